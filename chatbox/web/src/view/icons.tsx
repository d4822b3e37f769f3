/** Decorative icons, hidden from screen readers: each stands beside text, or in a control with a label. */

function Icon({ path, size = 20 }: { path: string; size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={path} />
    </svg>
  );
}

export const SendIcon = () => <Icon path="M12 19V5m0 0-6 6m6-6 6 6" />;
export const NewIcon = () => <Icon size={18} path="M12 5v14M5 12h14" />;
export const ChevronIcon = () => <Icon size={16} path="m7 10 5 5 5-5" />;
export const EditIcon = () => <Icon size={15} path="m4 20 1-4L16 5l3 3L8 19zM14 7l3 3" />;
export const StopIcon = () => <Icon path="M7 7h10v10H7z" />;
export const DownIcon = () => <Icon size={16} path="M12 5v14m0 0 6-6m-6 6-6-6" />;
export const RetryIcon = () => <Icon size={15} path="M20 11a8 8 0 1 0-2.3 5.7M20 5v6h-6" />;
export const CopyIcon = () => <Icon size={15} path="M9 9h10v11H9zM5 15V4h10" />;
export const CheckIcon = () => <Icon size={15} path="m5 12.5 4.5 4.5L19 7.5" />;

export function Logo() {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <path d="M9 10.5A2.5 2.5 0 0 1 11.5 8h9a2.5 2.5 0 0 1 2.5 2.5v7a2.5 2.5 0 0 1-2.5 2.5H16l-4.6 3.7a.6.6 0 0 1-1-.47V20A2.5 2.5 0 0 1 9 17.5z" />
      <path class="logo-lines" d="M13 12.5h6M13 15.5h4" />
    </svg>
  );
}
