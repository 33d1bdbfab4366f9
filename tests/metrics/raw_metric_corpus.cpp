#include "metrics/raw_metric_corpus.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace chouette::test {

namespace {

using namespace std::string_literals;

using Texts = std::vector<std::string>;
using Fields = std::vector<std::pair<std::string, std::string>>;

/// For what is not spoilt once more.
constexpr std::size_t never = 1'000'000;

const std::string byte_order_mark = "\xef\xbb\xbf";
const std::string big_integer = "100000000000000000000000000";

std::string join(const Fields& fields) {
  std::string text = "{";
  for (const auto& [name, value] : fields) {
    text += (text.size() > 1 ? ",\"" : "\"") + name + "\":" + value;
  }
  return text + "}";
}

Fields usual_fields(const std::string& type = "count", const std::string& value = "1.5") {
  return {{"metric", R"("a.b")"},
          {"type", "\"" + type + "\""},
          {"value", value},
          {"timestamp", "1590000000.125"},
          {"tags", R"({"k":"v"})"}};
}

Fields with(Fields fields, const std::string& field, const std::string& text) {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [&field](const auto& pair) { return pair.first == field; });
  if (found != fields.end()) {
    found->second = text;
  } else {
    fields.emplace_back(field, text);
  }
  return fields;
}

Fields without(Fields fields, const std::string& field) {
  std::erase_if(fields, [&field](const auto& pair) { return pair.first == field; });
  return fields;
}

std::string record(const std::string& field, const std::string& text) {
  return join(with(usual_fields(), field, text));
}

std::string set_of(const std::string& list) {
  return join(usual_fields("set", list));
}

/// A record with `text` as a string's contents, in each place where strings are.
Texts in_each_string(const std::string& text) {
  return {record("metric", "\"" + text + "\""),
          record("type", "\"" + text + "\""),
          record("tags", R"({"a":")" + text + "\"}"),
          record("tags", "{\"" + text + "\":1}"),
          record("tags", "[\"b\",\"" + text + "\"]"),
          record("more", "\"" + text + "\""),
          record("x" + text, "1"),
          set_of("[\"" + text + "\",\"c\"]")};
}

/// A record with `text` as a value, in each place where values are.
Texts in_each_value(const std::string& text) {
  return {record("metric", text),
          record("type", text),
          record("value", text),
          record("timestamp", text),
          record("tags", text),
          record("more", text),
          record("tags", "{\"a\":" + text + "}"),
          record("tags", "[\"b\"," + text + "]"),
          record("more", "[{\"a\":[" + text + "]}]"),
          set_of(text),
          set_of("[" + text + ",1]"),
          text,
          "[" + text + "]"};
}

std::string repeated(const std::string& text, std::size_t times) {
  std::string result;
  for (std::size_t i = 0; i < times; ++i) {
    result += text;
  }
  return result;
}

std::string hex_escape(unsigned unit) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), (unit & 1U) != 0 ? "\\u%04x" : "\\u%04X", unit);
  return text.data();
}

std::string byte(unsigned value) {
  return std::string(1, static_cast<char>(value));
}

const Texts& values_of_all_kinds() {
  static const Texts values{"null",
                            "true",
                            "false",
                            "0",
                            "-0",
                            "1",
                            "-1",
                            "1.5",
                            "1e3",
                            "\"\"",
                            R"("a")",
                            R"("count")",
                            R"("set")",
                            R"("NaN")",
                            "[]",
                            "{}",
                            "[1]",
                            R"(["a"])",
                            "[null]",
                            "[[]]",
                            "[{}]",
                            "[1,[2]]",
                            "[true]",
                            R"({"a":1})",
                            R"({"":""})",
                            R"({"a":[]})",
                            R"({"a":{}})",
                            R"({"a":null})",
                            R"(["a","a"])",
                            R"(["a",1])",
                            R"(["a",null])",
                            big_integer};
  return values;
}

const Texts& numbers() {
  static const Texts list{
      // whole
      "0", "-0", "1", "-1", "007", "-01", "00", "9007199254740991", "9007199254740992",
      "9007199254740993", "-9007199254740993", "999999999999999999", "9223372036854775807",
      "9223372036854775808", "-9223372036854775807", "-9223372036854775808", "-9223372036854775809",
      "18446744073709551614", "18446744073709551615", "18446744073709551616",
      "-18446744073709551615", "-18446744073709551616", "99999999999999999999", big_integer,
      "-" + big_integer, "1" + repeated("0", 308), "1" + repeated("0", 309),
      "-1" + repeated("0", 400), repeated("9", 1000), "0" + repeated("9", 30),
      // on both sides of the largest double, of where it rounds to infinity, and as an integer
      "1.7976931348623157e308", "-1.7976931348623157e308", "1.7976931348623158e308",
      "1.7976931348623159e308", "17976931348623157" + repeated("0", 292),
      "17976931348623159" + repeated("0", 292), "1e308", "1e309", "-1e309", "1E400", "1e999",
      "-1e999", "1e99999", "1e99999999999999999999", "0e99999999999999999999", "0e400", "0.0e+999",
      "-0e-999", "0" + ("." + repeated("0", 400)) + "1e700",
      // the smallest, subnormals, what rounds to zero
      "2.2250738585072014e-308", "2.2250738585072011e-308", "2.2250738585072012e-308", "5e-324",
      "-5e-324", "4.9406564584124654e-324", "2.4703282292062328e-324", "2.4703282292062327e-324",
      "2.5e-324", "1e-400", "-1e-400", "1e-999", "1e-99999999999999999999",
      "0." + repeated("0", 330) + "1", "1" + repeated("0", 330) + "e-330",
      // exponents
      "1e0", "1E0", "1e+0", "1e-0", "1.0e+5", "1.0E+05", "1.0e-05", "1e00000000000000000005",
      "123E-2", "-1.5E-3", "1e16", "1e15", "9999999999999998.0", "1e-4", "0.0001", "0.00001",
      "1e22", "1e23", "123456789012345678e-17", "1.5e300",
      // halfway between two doubles, and many digits
      "1.00000000000000011102230246251565404", "1.00000000000000011102230246251565405",
      "1.00000000000000011102230246251565403", "9007199254740993.0",
      "9007199254740992.99999999999999999999", "0.1", "0.10000000000000001",
      "0.1000000000000000055511151231257827021181583404541015625", "0.30000000000000004",
      "3." + repeated("3", 800), "0." + repeated("123456789", 100), "1." + repeated("0", 800),
      "1." + repeated("0", 800) + "1",
      "-" + repeated("7", 300) + "." + repeated("7", 300) + "e-290", "8.98846567431158e307",
      "6.631236846766476e-316", "1.0", "-0.0", "-0.0e0", "0.5",
      // around the last second of the year 9999, and before 1970
      "253402300799", "253402300799.999", "253402300799.99999", "253402300799.999999999999",
      "253402300800", "253402300800.0", "2.534023008e11", "253402300801", "-1e-300", "-5e-325",
      "1590000000", "1590000000.123456789",
      // no JSON
      "", "-", "+1", "--1", "1.", ".5", "-.5", "1.e5", "1e", "1e+", "1e-", "1E", "1e5.0", "1.5.5",
      "1e5e5", "1-", "1+1", "0x10", "1_000", "1,5", "1 000", "1f", "0b1", "1e5f", "NaN", "nan",
      "-NaN", "Infinity", "-Infinity", "inf", "+Infinity", "1/2", "\xd9\xa1", "True", "None"};
  return list;
}

class Corpus {
public:
  explicit Corpus(const TakeText& take) : take_(take) {}

  void make() {
    make_escapes();
    make_bytes();
    make_byte_order_marks();
    make_numbers();
    make_fields();
    make_sets_and_tags();
    make_white_space();
    make_nesting();
    make_ends();
    make_mixed();
    spoil();
  }

private:
  /// What follows has this oddity; one in `each` raw metrics of it is spoilt in the end.
  void begin(std::string_view oddity, std::size_t each) {
    oddity_ = oddity;
    each_ = each;
    accepted_ = 0;
  }

  void add(const std::string& text) {
    if (take_(oddity_, text) && ++accepted_ % each_ == 1 % each_ && text.size() <= 250) {
      to_spoil_.push_back(text);
    }
  }

  void add(const Texts& texts) {
    for (const auto& text : texts) {
      add(text);
    }
  }

  void make_escapes() {
    begin("\\uXXXX", 90000);
    for (unsigned unit = 0; unit <= 0xffff; ++unit) {
      add(record("metric", "\"a" + hex_escape(unit) + "\""));
      if (unit % 256 == 0) {
        add(in_each_string(hex_escape(unit)));
      }
    }
    begin("surrogates", 13500);
    for (unsigned low = 0xdc00; low <= 0xdfff; ++low) {
      for (const unsigned high : {0xd800U, 0xd83dU, 0xdbffU}) {
        add(record("metric", "\"" + hex_escape(high) + hex_escape(low) + "\""));
        add(record("tags", "[\"" + hex_escape(low) + hex_escape(high) + "\"]"));
      }
    }
    for (unsigned high = 0xd800; high <= 0xdbff; ++high) {
      for (const unsigned next :
           {0U, 0x41U, 0xd7ffU, 0xd800U, 0xdbffU, 0xdc00U, 0xdfffU, 0xe000U, 0xffffU}) {
        add(record("metric", "\"" + hex_escape(high) + hex_escape(next) + "\""));
      }
    }
    for (const auto& after : {""s, "x"s, "\\n"s, "\\"s, "\\\\"s, "\\u"s, "\\udc0"s, "\\udc0g"s,
                              "\\Udc00"s, "\\\\udc00"s, "u"s, "udc00"s, "\\u dc00"s,
                              "\\udc00\\udc00"s, "\\ud83d\\ude00"s, "\xed\xb0\x80"s}) {
      add(in_each_string("\\ud83d" + after));
      add(in_each_string("\\ud83d\\ude00" + after));
    }
    begin("other escapes", 270);
    for (unsigned value = 0; value < 256; ++value) {
      add(in_each_string("\\" + byte(value)));
      add(in_each_string("a\\\\" + byte(value)));
      for (const std::size_t place : {2U, 3U, 4U, 5U}) {
        auto escape = "\\u00e9"s;
        escape[place] = static_cast<char>(value);
        add(record("metric", "\"" + escape + "\""));
      }
    }
    add({R"({"m\u0065tric":"a","t\u0079pe":"count","\u0076alue":1,"timestam\u0070":1})",
         R"({"m\u0045tric":"a","type":"count","value":1,"timestamp":1})",
         R"({"metric":"a","type":"\u0073et","value":["\u0061","a"],"timestamp":1})",
         R"({"metric":"a","type":"count","value":1,"timestamp":1,"tags\u0000":7})",
         R"({"metric":"a","type":"count","value":1,"timestamp":1,"t\u0061gs":7})"});
    for (std::size_t backslashes = 1; backslashes < 140; ++backslashes) {
      add(record("metric", "\"" + repeated("\\", backslashes) + "\""));
    }
  }

  void make_bytes() {
    begin("bytes in strings", 18000);
    for (unsigned first = 0; first < 256; ++first) {
      add(in_each_string(byte(first)));
      for (unsigned second = 0; second < 256; ++second) {
        add(record("metric", "\"a" + byte(first) + byte(second) + "\""));
      }
    }
    begin("UTF-8", 2700);
    constexpr std::array next{0x22U, 0x7fU, 0x80U, 0x8fU, 0x90U, 0x9fU, 0xa0U, 0xbfU, 0xc0U, 0xffU};
    for (unsigned first = 0xc0; first <= 0xff; ++first) {
      for (const auto second : next) {
        for (const auto third : next) {
          const auto three = byte(first) + byte(second) + byte(third);
          add(record("metric", "\"" + three + "\""));
          if (first >= 0xef) {
            for (const auto fourth : next) {
              add(record("tags", "[\"" + three + byte(fourth) + "\"]"));
            }
          }
        }
      }
    }
    // Where a block of bytes that is looked at in one go begins or ends.
    for (const std::string& letter :
         {"\xc3\xa9"s, "\xe2\x82\xac"s, "\xf0\x9f\xa6\x89"s, "\xc3"s, "\xe2\x82"s, "\xf0\x9f\xa6"s,
          "\xed\xa0\x80"s, "\xc1\xbf"s, "\xe0\x9f\xbf"s, "\xf0\x8f\xbf\xbf"s, "\xf4\x90\x80\x80"s,
          "\xf8\x88\x80\x80\x80"s, "\xef\xbf\xbf"s, "\x1f"s}) {
      for (std::size_t before = 0; before < 140; ++before) {
        add(record("metric", "\"" + repeated("x", before) + letter + "\""));
      }
      add(in_each_string(letter));
    }
    for (unsigned value = 0x80; value < 256; ++value) {
      add(record("more", byte(value)));
      add(byte(value) + record("value", "1"));
      add(record("value", "1") + byte(value));
    }
  }

  void make_byte_order_marks() {
    begin("byte order marks", 31);
    const auto valid = record("value", "2");
    for (const auto& text : {valid, record("value", big_integer), set_of("[1]")}) {
      for (const auto& before :
           {byte_order_mark, byte_order_mark + " ", " " + byte_order_mark,
            byte_order_mark + byte_order_mark, "\xef\xbb"s, "\xef"s, "\xfe\xff"s, "\xff\xfe"s}) {
        add(before + text);
      }
      add(text + byte_order_mark);
    }
    add({byte_order_mark, byte_order_mark + "null",
         valid.substr(0, 1) + byte_order_mark + valid.substr(1)});
    add(in_each_string(byte_order_mark));
    add(in_each_value(byte_order_mark + "1"));
  }

  void make_numbers() {
    begin("numbers", 405);
    for (const auto& number : numbers()) {
      add(in_each_value(number));
      add(set_of("[" + number + ",-0,0,1,1.0,1e0," + number + "]"));
      for (const auto& other : {"1e400"s, big_integer, "0.1"s}) {
        add(set_of("[" + number + "," + other + "]"));
      }
    }
    begin("made-up numbers", 13500);
    for (int i = 0; i < 4000; ++i) {
      const auto number = made_up_number();
      add(record("value", number));
      add(record("tags", "{\"n\":" + number + "}"));
      add(set_of("[" + number + "," + made_up_number() + "," + number + ".0]"));
    }
  }

  void make_fields() {
    const Texts names{"metric", "type", "value", "timestamp", "tags"};
    begin("kinds of fields", 180);
    for (const auto& fields : {usual_fields(), usual_fields("set", R"(["a",1])")}) {
      for (const auto& name : names) {
        add(join(without(fields, name)));
        for (const auto& value : values_of_all_kinds()) {
          add(join(with(fields, name, value)));
          for (const auto& other : names) {
            add(join(without(with(fields, name, value), other)));
            add(join(with(with(fields, name, value), other, "null")));
            add(join(with(with(fields, name, value), other, R"("")")));
          }
        }
      }
    }
    for (const auto& value : values_of_all_kinds()) {
      add(value);
      add("[" + record("value", value) + "]");
    }
    begin("repeated fields", 675);
    for (const auto& name : names) {
      for (const auto& value : values_of_all_kinds()) {
        auto fields = usual_fields();
        fields.emplace_back(name, value);
        add(join(fields));
        fields.emplace(fields.begin(), name, value);
        fields.pop_back();
        add(join(fields));
        fields.emplace_back(name, values_of_all_kinds()[random_() % values_of_all_kinds().size()]);
        add(join(fields));
      }
    }
    add({R"({"metric":1,"metr\u0069c":"a","type":"count","value":1,"timestamp":1})",
         R"({"metr\u0069c":"a","metric":1,"type":"count","value":1,"timestamp":1})",
         R"({"metric":"a","type":"set","value":[1],"timestamp":1,"type":"count","value":7})",
         R"({"metric":"a","type":"set","value":[1],"timestamp":1,"type":"count"})",
         R"({"metric":"a","type":"count","value":1,"timestamp":1,"value":1e400})",
         R"({"metric":"a","type":"count","value":1e400,"timestamp":1,"value":1})",
         R"({"metric":"a","type":"count","value":1,"timestamp":1,"tags":{"a":1},"tags":["b"]})",
         R"({"metric":"a","type":"count","value":1,"timestamp":1,"tags":["b"],"tags":{"a":1}})",
         R"({"metric":"a","type":"count","value":1,"timestamp":1,"tags":{"a":1},"tags":null})"});
    begin("order of fields", 360);
    auto fields = usual_fields("set", R"(["a",1,null])");
    std::sort(fields.begin(), fields.end());
    do {
      add(join(fields));
      add(join(without(fields, "timestamp")));
      add(join(with(fields, "type", R"("gauge")")));
    } while (std::next_permutation(fields.begin(), fields.end()));
    begin("unknown fields", 180);
    for (const auto* name :
         {"", "metrics", "metri", "Metric", "METRIC", " metric", "metric ", "tag", "time", "values",
          "\\u0000", "types", "host", "metric\\u0000"}) {
      for (const auto& value : values_of_all_kinds()) {
        add(record(name, value));
        add(join(with(without(usual_fields(), "metric"), name, value)));
      }
    }
  }

  void make_sets_and_tags() {
    begin("sets", 675);
    const Texts scalars{"null",
                        "true",
                        "false",
                        "0",
                        "-0",
                        "0.0",
                        "-0.0",
                        "1",
                        "1.0",
                        "-1",
                        "-1.0",
                        "1.5",
                        "1e0",
                        "\"1\"",
                        "\"\"",
                        R"("a")",
                        R"("\u0061")",
                        R"("True")",
                        R"("None")",
                        R"("s1")",
                        "9007199254740993",
                        "9007199254740992.0",
                        "9223372036854775808",
                        "9223372036854775808.0",
                        "-9223372036854775808",
                        "-9223372036854775808.0",
                        "18446744073709551615",
                        "18446744073709551616",
                        "18446744073709551616.0",
                        "1e19",
                        "1e20",
                        big_integer,
                        "[]",
                        "{}",
                        "NaN"};
    for (const auto& first : scalars) {
      for (const auto& second : scalars) {
        add(set_of("[" + first + "," + second + "]"));
        add(set_of("[" + first + "," + second + "," + first + ",7]"));
      }
    }
    for (const auto* list : {"[]", "[ ]", "[,]", "[1,]", "[,1]", "[1 2]", "[1,,2]", "[", "]", "[1",
                             "[1}", "{1]", "[[1]", "[1]]", "(1)", "\"ab\""}) {
      add(set_of(list));
    }
    begin("tags", 675);
    for (const auto& first : scalars) {
      add(record("tags", first));
      for (const auto& second : scalars) {
        add(record("tags", "[" + first + "," + second + "]"));
        add(record("tags", R"({"a":)" + first + R"(,"b":)" + second + "}"));
      }
    }
    add(join(without(usual_fields(), "tags")));
    for (const auto* tags : {"{}", "{ }", "{,}", R"({"a"})", R"({"a":})", R"({"a":1,})", "{a:1}",
                             R"({1:"a"})", R"({null:1})", R"({"a" "b"})", R"({"a":1 "b":2})",
                             R"({"a"::1})", R"({"a":"b":"c"})", R"({'a':1})", R"({"a:b":"c:d"})",
                             R"(["a:b","b",":",""])", R"({"":""})", R"([])", R"([[]])"}) {
      add(record("tags", tags));
    }
    begin("repeated tags", 675);
    for (const auto& first : scalars) {
      for (const auto& second : scalars) {
        add(record("tags", R"({"a":)" + first + R"(,"\u0061":)" + second + "}"));
        add(record("tags", R"({"a":)" + first + R"(,"b":1,"a":)" + second + R"(,"a":"c"})"));
        add(join(with(with(usual_fields(), "value", big_integer), "tags",
                      R"({"a":)" + first + R"(,"a":)" + second + "}")));
      }
      add(record("tags", R"(["a","a",)" + first + "," + first + "]"));
    }
  }

  void make_white_space() {
    begin("white space", 1800);
    const Texts pieces{"{",     "\"metric\"", ":",     "\"a\"",     ",", "\"type\"",
                       ":",     "\"set\"",    ",",     "\"value\"", ":", "[",
                       "1",     ",",          "\"b\"", "]",         ",", "\"timestamp\"",
                       ":",     "15.5",       ",",     "\"tags\"",  ":", "{",
                       "\"k\"", ":",          "null",  "}",         "}"};
    const auto spaced = [&pieces](const std::string& space, std::size_t only) {
      std::string text = only == 0 ? space : "";
      for (std::size_t i = 0; i < pieces.size(); ++i) {
        text += pieces[i] + (only == i + 1 || only > pieces.size() ? space : "");
      }
      return text;
    };
    for (unsigned value = 0; value < 256; ++value) {
      for (std::size_t gap = 0; gap <= pieces.size() + 1; ++gap) {
        add(spaced(byte(value), gap));
      }
    }
    for (const auto& space :
         {" \t\r\n"s, "\r\n"s, repeated(" ", 64), repeated("\n", 127), repeated("\t ", 500),
          "\xc2\xa0"s, "\xe2\x80\xa8"s, "\xe3\x80\x80"s, "\\n"s, "\\u0020"s, "//\n"s, "/**/"s,
          "#\n"s, " \f"s, " \v"s, " \0"s, byte_order_mark}) {
      for (std::size_t gap = 0; gap <= pieces.size() + 1; ++gap) {
        add(spaced(space, gap));
      }
    }
    // Within a word.
    for (const auto* value : {"nu ll", "tr ue", "1 .5", "1. 5", "1 e5", "- 1", "fal\nse", "1 5"}) {
      add(in_each_value(value));
    }
  }

  void make_nesting() {
    begin("nesting", 180);
    const auto nest = [this](const std::string& open, const std::string& inmost,
                             const std::string& close, std::size_t depth) {
      const auto deep = repeated(open, depth) + inmost + repeated(close, depth);
      add({record("value", deep), record("tags", deep), record("more", deep), deep});
      add(join(with(with(usual_fields(), "value", big_integer), "more", deep)));
      if (depth <= 40) {
        add({record("tags", "[" + deep + "]"), record("tags", R"({"a":)" + deep + "}"),
             set_of(deep), record("more", deep + close), record("more", open + deep)});
      }
    };
    std::vector<std::size_t> depths{62, 63, 64, 65, 127, 128, 129, 512, 2000};
    for (std::size_t depth = 0; depth <= 40; ++depth) {
      depths.push_back(depth);
    }
    for (std::size_t depth = 1021; depth <= 1026; ++depth) {
      depths.push_back(depth);
    }
    for (const auto depth : depths) {
      const auto inmosts =
          depth > 100 ? Texts{"1", "[]", "{}"} : Texts{"1", "[]", "{}", R"("a")", big_integer, "x"};
      for (const auto& inmost : inmosts) {
        nest("[", inmost, "]", depth);
        nest(R"({"a":)", inmost, "}", depth);
        nest(R"([{"tags":)", inmost, "}]", depth / 2);
      }
    }
  }

  void make_ends() {
    begin("what follows the end", 45);
    const Texts valid{record("value", "2"), record("value", big_integer), set_of("[1]")};
    for (const auto& text : valid) {
      for (unsigned value = 0; value < 256; ++value) {
        add({text + byte(value), text + " " + byte(value), text + "\n" + byte(value) + "\n"});
      }
      for (const auto& rest :
           {"{}"s, text, ","s + text, "\0"s + text, "\0\0\0\0"s, "//"s, " \t\r\n"s,
            repeated(" ", 64), repeated("\n", 1000), repeated("\0"s, 64)}) {
        add(text + rest);
      }
    }
    begin("NULs", 45);
    for (const auto& text : valid) {
      add(text);
      for (std::size_t place = 0; place <= text.size(); ++place) {
        for (const auto& nul : {"\0"s, "\0\0"s, " \0 "s, "\\u0000"s}) {
          auto spoilt = text;
          add(spoilt.insert(place, nul));
        }
      }
    }
    begin("lengths", 135);
    for (std::size_t length = 0; length < 300; ++length) {
      add(record("metric", "\"" + repeated("n", length) + "\""));
      add(record("tags", "[\"" + repeated("t", length) + "\"]"));
      add(repeated(" ", length) + "\"");
    }
    for (const std::size_t length : {65535U, 65536U, 300000U}) {
      add(record("metric", "\"" + repeated("n", length) + "\""));
      add(record("metric", "\"" + repeated("n", length)));
    }
  }

  /// What nobody thought of: fields of any kind in any order, with a few bytes spoilt.
  void make_mixed() {
    begin("mixed", 18000);
    for (int i = 0; i < 25000; ++i) {
      auto text = made_up_record();
      for (auto changes = roll(4); changes > 1; --changes) {
        change(text);
      }
      add(text);
    }
  }

  void spoil() {
    // First those that are whole though their white space is cut off.
    to_spoil_.insert(to_spoil_.begin(), {set_of(R"([1, "\u00e9\ud83e\udd89", null])") + " \r\n\t",
                                         " " + record("value", big_integer) + "  "});
    const auto texts = std::exchange(to_spoil_, {});
    begin("cut off", never);
    for (const auto& text : texts) {
      for (std::size_t length = 0; length < text.size(); ++length) {
        add(text.substr(0, length));
      }
    }
    begin("a byte changed", never);
    for (const auto& text : texts) {
      for (std::size_t place = 0; place < text.size(); ++place) {
        for (const auto value : "\"\\{}[]:,0-.e \n\x1f\x80\xc3\xed\xff\0"s) {
          auto spoilt = text;
          spoilt[place] = value;
          add(spoilt);
        }
      }
    }
  }

  std::size_t roll(std::size_t sides) { return static_cast<std::size_t>(random_() % sides); }

  std::string any(const Texts& choices) { return choices[roll(choices.size())]; }

  std::string digits(std::size_t most) {
    std::string text;
    for (auto left = roll(most + 1); left > 0; --left) {
      text += static_cast<char>('0' + roll(10));
    }
    return text;
  }

  std::string made_up_number() {
    std::string text = roll(2) == 0 ? "-" : "";
    text += roll(3) == 0 ? "0" : std::to_string(1 + roll(9)) + digits(roll(8) == 0 ? 40 : 19);
    if (roll(2) == 0) {
      text += "." + digits(roll(8) == 0 ? 60 : 17);
    }
    if (roll(2) == 0) {
      text += any({"e", "E", "e+", "e-", "E-"}) + digits(roll(8) == 0 ? 4 : 3);
    }
    return text;
  }

  std::string scalar() {
    const auto& values = values_of_all_kinds();
    return roll(3) == 0 ? any(numbers()) : roll(2) == 0 ? any(values) : "\"" + digits(3) + "\"";
  }

  std::string list() {
    std::string text = "[";
    for (auto left = roll(4); left > 0; --left) {
      text += scalar() + (left > 1 ? "," : "");
    }
    return text + "]";
  }

  std::string object() {
    std::string text = "{";
    for (auto left = roll(4); left > 0; --left) {
      text += "\"" + digits(1) + "\":" + scalar() + (left > 1 ? ", " : "");
    }
    return text + "}";
  }

  std::string anything() { return any({list(), object(), scalar(), scalar()}); }

  std::string made_up_record() {
    auto fields = roll(4) == 0 ? usual_fields("set", list()) : usual_fields("gauge", "1");
    fields.back().second = any({list(), object(), object(), R"(["a","b"])", "null"});
    for (auto changes = roll(4); changes > 2; --changes) {
      fields[roll(fields.size())].second = anything();
    }
    for (auto more = roll(3); more > 0; --more) {
      fields.emplace_back(any({"more", "value", "tags", "type", "a", "b"}), anything());
    }
    for (auto left = fields.size(); left > 1; --left) {
      std::swap(fields[left - 1], fields[roll(left)]);
    }
    return join(fields);
  }

  void change(std::string& text) {
    const auto place = roll(text.size() + 1);
    switch (roll(4)) {
      case 0:
        text.erase(place, 1 + roll(3));
        break;
      case 1:
        text.insert(place, any({"{",     "}",       "[",       "]",   ",",    ":",   "\"", "\\",
                                "0",     "9",       "-",       "e",   ".",    " ",   "\n", "NaN",
                                "1e999", "\\ud800", "\\u0000", "\0"s, "\xff", "null"}));
        break;
      case 2:
        text.resize(place);
        break;
      default:
        if (place < text.size()) {
          text[place] = static_cast<char>(roll(256));
        }
        break;
    }
  }

  const TakeText& take_;
  std::string_view oddity_;
  std::size_t each_ = 1;
  std::size_t accepted_ = 0;
  Texts to_spoil_;
  std::mt19937 random_{5};
};

}  // namespace

void make_raw_metric_texts(const TakeText& take) {
  Corpus(take).make();
}

}  // namespace chouette::test
