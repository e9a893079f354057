// A text as a file of the person's own, without asking the server.
export function save(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], {type: 'text/csv'}));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
