// Rows under their headings, on phones a card a row.
import type { CSSProperties, ReactNode } from 'react';
import { type Key, t } from '../text/text.ts';

/** Tables that are wider than a phone; what scrolls can be reached by keyboard. */
function Scroll({ children }: { children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: without it nobody could scroll by keyboard
    <div className="scroll" tabIndex={0}>
      {children}
    </div>
  );
}

/** A heading: its text, how the cells below are set, and whether only readers hear it. */
export type Column = Key | { name: Key; className?: string; isUnseen?: boolean };

/** Rows under their headings. */
export function Table({
  columns,
  className,
  children,
}: {
  columns: readonly Column[];
  /** `compact` stays a table on phones, for figures; others become a card a row. */
  className?: string;
  children: ReactNode;
}) {
  const names = columns.map((column, i) => {
    const { name, isUnseen = false } = typeof column === 'string' ? { name: column } : column;
    return [`--column-${i + 1}`, isUnseen ? '""' : JSON.stringify(t(name))];
  });
  return (
    <Scroll>
      <table className={className ?? 'stacks'} style={Object.fromEntries(names) as CSSProperties}>
        <thead>
          <tr>
            {columns.map((column) => {
              const { name, className: cells, isUnseen } = typeof column === 'string' ? { name: column } : column;
              return (
                <th key={name} scope="col" className={cells}>
                  {isUnseen ? <span className="unseen">{t(name)}</span> : t(name)}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </Scroll>
  );
}
