/** What the page was told when it was served. */
function read(name: string): string {
  return document.querySelector<HTMLMetaElement>(`meta[name="${name}"]`)?.content ?? '';
}

/** The nonce for style elements that are made by script. */
export const styleNonce = read('onecli-style-nonce');

/** The address of the proxy for agents, as the gateway knows it. */
export const proxyUrl = read('onecli-proxy') || `http://${window.location.hostname}:10254`;

/** The address of this API. */
export const apiUrl = window.location.origin;
