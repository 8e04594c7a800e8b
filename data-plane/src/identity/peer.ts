/** What is known of whoever opened a connection, before it has said anything in HTTP. */
export interface Peer {
  /**
   * The address that it comes from, canonical: the TCP peer's, or the one that a trusted load balancer told. Undefined
   * when the load balancer did not tell: then nothing that depends on the address holds.
   */
  readonly source: string | undefined;
  /** Of the TLS handshake with the proxy port, if it sent one. */
  readonly certificate: PeerCertificate | undefined;
}

/** A client certificate: one of an authority that is trusted for that, or any other. */
export type PeerCertificate =
  | {
      readonly kind: 'trusted';
      /** As `certificateKey` writes them. */
      readonly names: readonly string[];
      readonly expiresAtMs: number;
      /** Undefined where it is by an authority of the customer's own: those are trusted as long as the worker runs. */
      readonly issuer: CertificateIssuer | undefined;
    }
  | { readonly kind: 'untrusted' };

/** An authority of ours that a client certificate is by. */
export interface CertificateIssuer {
  /** It was retired: what came in by its certificates is not recognised any more. */
  readonly isWithdrawn: boolean;
}
