import { Fault } from '@onecli/shared/fault';
import type { DataSource } from 'typeorm';
import { AuthorityEntity } from './authority.entity.ts';

/** The certificate authority that agents trust, as its public part. */
export class AuthorityService {
  readonly #dataSource: DataSource;

  constructor(dataSource: DataSource) {
    this.#dataSource = dataSource;
  }

  /** The active authority's certificate, PEM. Public: it needs no principal. @throws Fault NOT_FOUND */
  async certificatePem(): Promise<string> {
    const authority = await this.#dataSource.getRepository(AuthorityEntity).findOneBy({ isActive: true });
    if (authority === null) throw new Fault('NOT_FOUND', 'There is no certificate authority yet');
    return authority.certificatePem;
  }
}
