// The opcodes of pickles, by the names that Python's pickletools has for them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

#include "base/result.h"

namespace qb::weights {

// Those that checkpoints are made of.
enum Opcode : uint8_t {
  op_mark = '(',
  op_stop = '.',
  op_pop = '0',
  op_float = 'G',
  op_int1 = 'K',
  op_int2 = 'M',
  op_int4 = 'J',
  op_none = 'N',
  op_persistent_id = 'Q',
  op_reduce = 'R',
  op_string = 'T',
  op_short_string = 'U',
  op_unicode = 'X',
  op_append = 'a',
  op_build = 'b',
  op_global = 'c',
  op_appends = 'e',
  op_get1 = 'h',
  op_get4 = 'j',
  op_put1 = 'q',
  op_put4 = 'r',
  op_set_item = 's',
  op_tuple = 't',
  op_empty_tuple = ')',
  op_empty_list = ']',
  op_set_items = 'u',
  op_empty_dict = '}',
  op_protocol = 0x80,
  op_tuple1 = 0x85,
  op_tuple2 = 0x86,
  op_tuple3 = 0x87,
  op_true = 0x88,
  op_false = 0x89,
  op_long1 = 0x8a,
};

// The others, to be refused by name.
struct OpcodeName {
  uint8_t opcode;
  std::string_view name;
};
inline constexpr OpcodeName refused_opcodes[] = {{'1', "POP_MARK"},      {'2', "DUP"},
                                                 {'F', "FLOAT"},         {'I', "INT"},
                                                 {'L', "LONG"},          {'P', "PERSID"},
                                                 {'S', "STRING"},        {'V', "UNICODE"},
                                                 {'B', "BINBYTES"},      {'C', "SHORT_BINBYTES"},
                                                 {'d', "DICT"},          {'g', "GET"},
                                                 {'i', "INST"},          {'l', "LIST"},
                                                 {'o', "OBJ"},           {'p', "PUT"},
                                                 {0x81, "NEWOBJ"},       {0x82, "EXT1"},
                                                 {0x83, "EXT2"},         {0x84, "EXT4"},
                                                 {0x8b, "LONG4"},        {0x8c, "SHORT_BINUNICODE"},
                                                 {0x8d, "BINUNICODE8"},  {0x8e, "BINBYTES8"},
                                                 {0x8f, "EMPTY_SET"},    {0x90, "ADDITEMS"},
                                                 {0x91, "FROZENSET"},    {0x92, "NEWOBJ_EX"},
                                                 {0x93, "STACK_GLOBAL"}, {0x94, "MEMOIZE"},
                                                 {0x95, "FRAME"},        {0x96, "BYTEARRAY8"},
                                                 {0x97, "NEXT_BUFFER"},  {0x98, "READONLY_BUFFER"}};

inline std::string name_of_opcode(uint8_t opcode) {
  const auto row = std::ranges::find(refused_opcodes, opcode, &OpcodeName::opcode);
  return row == std::end(refused_opcodes) ? fmt::format("{:#x}, which is none", opcode)
                                          : std::string(row->name);
}

}  // namespace qb::weights
