// One polite live region for the page: what a screen reader should say next. The last text within a short moment wins, so that a
// held arrow key does not queue up sentences.

const kPause = 120;
let pending: ReturnType<typeof setTimeout> | null = null;

export function speak(text: string): void {
  if (pending) clearTimeout(pending);
  pending = setTimeout(() => {
    const region = document.getElementById('speech');
    if (region) region.textContent = text;
    pending = null;
  }, kPause);
}
