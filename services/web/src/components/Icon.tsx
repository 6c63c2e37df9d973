const paths = {
  logo: 'M6 10v4M9.5 7v10M13 4v16M16.5 8.5v7M20 10.5v3',
  mic: 'M12 3.5a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0v-5a3 3 0 0 0-3-3ZM5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3',
  send: 'M12 19V5M6 11l6-6 6 6',
  stop: 'M7 7h10v10H7z',
  new: 'M12 5v14M5 12h14',
  down: 'm7 10 5 5 5-5',
  close: 'M6 6l12 12M18 6 6 18',
  retry: 'M5 12a7 7 0 1 1 2.2 5.1M5 19v-5h5',
  warning: 'M12 8v5M12 16.4v.1M12 3.5 2.8 19.5h18.4Z',
  wave: 'M4 11v2M8 8v8M12 5v14M16 8v8M20 11v2',
  settings: 'M4 7h9M19 7h1M4 17h3M13 17h7M16 4.5v5M10 14.5v5',
  delete: 'M5 7h14M9.5 7V4.5h5V7M7 7l.8 12.5h8.4L17 7',
  offline: 'M4 4l16 16M8.5 15.5a5 5 0 0 1 6 0M5 12a10 10 0 0 1 4-2.3M13 9.3a10 10 0 0 1 6 2.7M12 19.4v.1',
  clock: 'M12 7v5.5l3.5 2M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17Z',
  edit: 'M5 19h3.5L19 8.5 15.5 5 5 15.5ZM13.5 7l3.5 3.5',
};

/** Drawn in the colour of the text beside it; its meaning is always in words too. */
export function Icon({ name }: { name: keyof typeof paths }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}
