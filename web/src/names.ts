// "sign_ups" on the tab reads "Sign ups".
export function dashboardTitle(name: string): string {
  const words = name.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
