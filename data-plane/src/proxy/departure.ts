/** What a request asks and tells as it leaves: one object for each, and not a closure for each question. */
import type { UsedSecret } from '@onecli/shared/domain/grant-placeholders';
import type { Refusal } from './answer.ts';
import type { Held } from './hold-body.ts';
import type { JudgedRequest } from './judge-request.ts';
import type { Departure } from './outgoing.ts';
import type { Placed } from './place-secrets.ts';
import { refuseWithdrawn } from './refuse-withdrawn.ts';
import type { ServedRequest } from './served-request.ts';

export class RequestDeparture implements Departure {
  readonly #served: ServedRequest;
  readonly #judged: JudgedRequest;
  readonly #placed: Placed;
  readonly #held: Held;
  readonly #used: readonly UsedSecret[];
  readonly #labels: readonly string[];

  /** @param labels of what is used, as the trail has them */
  constructor(
    served: ServedRequest,
    { judged, placed, held }: { readonly judged: JudgedRequest; readonly placed: Placed; readonly held: Held },
    used: readonly UsedSecret[],
    labels: readonly string[],
  ) {
    this.#served = served;
    this.#judged = judged;
    this.#placed = placed;
    this.#held = held;
    this.#used = used;
    this.#labels = labels;
  }

  intend(): Promise<boolean> | undefined {
    return this.#served.exchange.intend(this.#labels);
  }

  refuseNow(): Refusal | undefined {
    const readings = this.#placed.readings ?? this.#judged.request.readings;
    return refuseWithdrawn(this.#served, this.#judged, readings, this.#used);
  }

  leaving(): void {
    this.#served.exchange.leaving(this.#labels, this.#placed.surfaces, this.#held.surfaces);
  }

  answering(): void {
    this.#served.exchange.answering();
  }

  ending(status: number, responseBytes: number): Promise<void> | undefined {
    return this.#served.exchange.ending(status, responseBytes);
  }
}
