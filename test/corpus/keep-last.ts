// What is asked of a source again for each of its outputs is found out once. Used by the comparisons of this room.

/** The same question, the same answer: those to the last few questions are kept, and failures are not. */
export function keepLast<Question extends object, Answer>(
  most: number,
  find: (question: Question) => Promise<Answer>,
): (question: Question) => Promise<Answer> {
  const kept = new Map<string, Promise<Answer>>();
  return (question) => {
    const key = JSON.stringify(question);
    const known = kept.get(key) ?? find(question);
    kept.delete(key);
    kept.set(key, known);
    known.catch(() => kept.delete(key));
    for (const oldest of [...kept.keys()].slice(0, -most)) kept.delete(oldest);
    return known;
  };
}
