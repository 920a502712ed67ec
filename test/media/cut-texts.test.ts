// WebVTT of a part of a film: moved, shortened at the ends, the rest left out.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cutTexts } from '#media/cut-texts.ts';
import { countTurns } from '../kit/count-turns.ts';

const WHOLE = `WEBVTT

NOTE made by hand

00:01.000 --> 00:03.500
before and into it

2
00:04.000 --> 00:05.250 align:start
<i>inside</i>
two lines

00:09.500 --> 01:00:00.000
into the end and out

01:00:01.000 --> 01:00:02.000
after it
`;

test('cues are moved, shortened to the part, or left out', async () => {
  assert.equal(
    await cutTexts(WHOLE, { start: 2, duration: 8 }),
    `WEBVTT

NOTE made by hand

00:00.000 --> 00:01.500
before and into it

2
00:02.000 --> 00:03.250 align:start
<i>inside</i>
two lines

00:07.500 --> 00:08.000
into the end and out
`,
  );
});

test('hours stand where there are any', async () => {
  assert.match(await cutTexts(WHOLE, { start: 0, duration: 9000 }), /01:00:01\.000 --> 01:00:02\.000\nafter it\n$/);
});

test('a part without any text is an empty file', async () => {
  assert.equal(await cutTexts(WHOLE, { start: 7200, duration: 60 }), 'WEBVTT\n\nNOTE made by hand\n');
});

test('others have their turns while a long text is cut', async () => {
  const cues = Array.from({ length: 10_000 }, (_, i) => `00:00:${10 + (i % 50)}.000 --> 00:01:00.000\nline ${i}`);
  const text = `WEBVTT\n\n${cues.join('\n\n')}\n`;
  let cut = '';
  const turns = await countTurns(async () => {
    cut = await cutTexts(text, { start: 0, duration: 60 });
  });
  assert.ok(turns >= 4, `${turns} turns`);
  assert.equal(cut, text.replaceAll(/00:(?=\d\d:)/g, ''));
});
