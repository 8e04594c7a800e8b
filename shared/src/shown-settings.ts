import { hideInText } from './hide-credentials.ts';

/** A setting as it may be shown to whoever helps: whether it is set, and its content where that is known to be harmless. */
export interface ShownSetting {
  readonly name: string;
  readonly isSet: boolean;
  readonly shown?: string;
}

/** Ports, addresses to listen on, times, numbers and switches. A setting that is not here shows nothing but that it is set. */
const harmless =
  /^ONECLI_(?:API_PORT|PROXY_PORT|BIND|WORKERS|LOG_LEVEL|SESSION_IDLE_MINUTES|SESSION_HOURS|ADMIN_EVENT_DAYS|AUDIT_DAYS|REFUSE_INSIDE_TUNNEL|DRAIN_MS|DRAIN_WAIT_MS|LISTENER|LIMIT_[A-Z0-9_]+)$/;
/** What their content looks like: a number, an address, a word. Something else stands in the wrong variable. */
const harmlessContent = /^(?:[0-9]{1,12}|[0-9.]{7,15}|[0-9a-f:.]{2,39}|[a-z]{2,9})$/;

/** Which of the settings are set, in the order of their names. An empty one counts as not set. */
export function showSettings(
  given: Readonly<Record<string, string | undefined>>,
  names: Iterable<string>,
): ShownSetting[] {
  return [...new Set(names)].sort().map((name) => {
    const content = given[name] ?? '';
    const isShown = harmless.test(name) && harmlessContent.test(content) && hideInText(content) === content;
    return { name, isSet: content !== '', ...(isShown && { shown: content }) };
  });
}
