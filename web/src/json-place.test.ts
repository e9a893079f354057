import {describe, expect, it} from 'vitest';

import {locate} from './json-place';

function marked(raw: string, path: string): string | null {
  const span = locate(raw, path);
  return span && raw.slice(span.from, span.to);
}

describe('the broken place', () => {
  it('is_the_value_that_the_path_names', () => {
    const raw = '{"event":"a","timestamp" : "yesterday", "properties":{"a b":[1,{"c":"x,}"}]}}';
    expect(marked(raw, '$.timestamp')).toBe('"yesterday"');
    expect(marked(raw, "$.properties['a b'][1].c")).toBe('"x,}"');
    expect(marked(raw, '$.properties')).toBe('{"a b":[1,{"c":"x,}"}]}');
  });
  it('understands_an_index_whose_batch_is_not_in_the_text', () => {
    expect(marked('{"event":7}', '$[3].event')).toBe('7');
    expect(marked('[{"event":1},{"event":2}]', '$[1].event')).toBe('2');
  });
  it('is_the_second_of_two_equal_keys', () => {
    expect(marked('{"a":1,"b":2,"a":3}', '$.a')).toBe('3');
  });
  it('is_found_in_text_that_breaks_off_behind_it', () => {
    expect(marked('{"a":"ok","b":"cut of', '$.a')).toBe('"ok"');
    expect(marked('{"a":"ok","b":"cut of', '$.b')).toBe('"cut of');
    expect(marked('{"a":"ok","b":', '$.b')).toBe('"b"');
  });
  it('is_nowhere_when_the_path_leads_nowhere', () => {
    expect(marked('{"a":1}', '$.b')).toBeNull();
    expect(marked('{"a":1}', '$')).toBeNull();
    expect(marked('not json', '$.x.y')).toBeNull();
    expect(marked('', '$')).toBeNull();
    expect(marked('{"a":1}', 'elsewhere')).not.toBe('1');
  });
  it('is_where_a_parser_gives_up_when_the_path_is_the_whole', () => {
    expect(locate('{"event":"a", "p": {', '$')).not.toBeNull();
    expect(marked('{"a":1}x', '$')).toBe('x');
  });
  it('is_found_in_one_pass_through_deep_text', () => {
    const deep = '{"a":' + '['.repeat(100_000);
    expect(marked(deep, '$.a')).toBe('['.repeat(100_000));
  });
});
