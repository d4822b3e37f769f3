/** Copies text to the clipboard; `false` when the browser refused. Pages without TLS lack the clipboard API. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Missing, or refused to this page: by a policy, a setting, or because the page lacks the focus.
    return copyBySelection(text);
  }
}

/** Selects what an element shows, so that the person can copy it. */
export function selectContent(element: Element): void {
  getSelection()?.selectAllChildren(element);
}

function copyBySelection(text: string): boolean {
  const before = document.activeElement;
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'visually-hidden';
  document.body.append(area);
  try {
    area.select();
    return document.execCommand('copy');
  } catch {
    return false;
  } finally {
    area.remove();
    if (before instanceof HTMLElement) before.focus({ preventScroll: true });
  }
}
