/** The URL that the browser shows. */

/** Browsers refuse this when it comes too often, and in some frames. Then the old URL stays, and the chat goes on. */
export function setUrl(how: 'push' | 'replace', url: URL): void {
  try {
    if (how === 'push') history.pushState(null, '', url);
    else history.replaceState(null, '', url);
  } catch {
    // A reload will open the session of the old URL.
  }
}
