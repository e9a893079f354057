export const personUrl = (key: string): string => `/person?${new URLSearchParams({key})}`;
