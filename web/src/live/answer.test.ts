import {afterEach, beforeEach, describe, expect, it, vi} from 'vitest';

import {Question} from './answer';
import {kCostTimes, kLeast} from './asker';

let time = 0;
beforeEach(() => {
  vi.useFakeTimers();
  time = 0;
});
afterEach(() => {
  vi.useRealTimers();
});
const wait = async (ms: number): Promise<void> => {
  time += ms;
  await vi.advanceTimersByTimeAsync(ms);
};

function bench() {
  const asked: {signal: AbortSignal; answer: (value: number) => Promise<void>; fail: () => Promise<void>}[] = [];
  let drawn = 0;
  const question = new Question<number>((signal) => new Promise((resolve, reject) => {
    asked.push({
      signal, answer: (value) => { resolve(value); return wait(0); }, fail: () => { reject(new Error('no')); return wait(0); },
    });
  }), () => { drawn++; }, () => time);
  return {asked, question, drawn: () => drawn};
}

describe('a question', () => {
  it('slower_than_things_stand_still_is_answered_all_the_same', async () => {
    const {asked, question} = bench();
    question.moved();
    for (let n = 0; n < 10; n++) {
      await wait(300);
      question.moved();
    }
    expect(asked.length).toBe(1);
    expect(asked[0]!.signal.aborted).toBe(false);
    await asked[0]!.answer(1);
    expect(question.answer).toBe(1);
    await wait(kCostTimes * 3_000 - 1);
    expect(asked.length).toBe(1);
    await wait(1);
    expect(asked.length).toBe(2);  // it moved meanwhile
    await asked[1]!.answer(2);
    await wait(600_000);
    expect(asked.length).toBe(2);
  });
  it('keeps_its_answer_when_it_is_refused_and_asks_again', async () => {
    const {asked, question, drawn} = bench();
    question.moved();
    await asked[0]!.answer(1);
    await wait(kLeast.current);
    question.moved();
    await asked[1]!.fail();
    expect([question.answer, question.failure?.message, drawn()]).toEqual([1, 'no', 2]);
    await wait(kLeast.current);
    await asked[2]!.answer(3);
    expect([question.answer, question.failure]).toEqual([3, null]);
  });
  it('says_nothing_any_more_when_it_was_given_up', async () => {
    const {asked, question, drawn} = bench();
    question.moved();
    question.stop();
    expect(asked[0]!.signal.aborted).toBe(true);
    await asked[0]!.answer(1);
    question.moved();
    await wait(600_000);
    expect([drawn(), asked.length]).toEqual([0, 1]);
  });
});
