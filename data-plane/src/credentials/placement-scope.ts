import type { GrantScope } from '@onecli/shared/domain/grant-placeholders';
import type { Configuration } from '../snapshot/configuration.ts';

/** Where a request goes, what its rule grants, and the configuration that it is handled by to its end. */
export interface PlacementScope extends GrantScope {
  readonly configuration: Configuration;
}
