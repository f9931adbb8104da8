#include "server/symbol_table.h"

#include <gtest/gtest.h>

#include <string>

namespace kvick {
namespace {

// Private to this file, so only the symbols of the program's own file name it.
__attribute__((noinline)) int Hidden(int value) { return value * 3 + 1; }

std::string Readable(const char* name) {
  char text[64];
  WriteReadableName(name, text, sizeof(text));
  return text;
}

TEST(SymbolTableTest, FindsAFunctionThatIsPrivateToItsFile) {
  SymbolTable symbols;
  ASSERT_TRUE(symbols.Open());
  const auto address = reinterpret_cast<uintptr_t>(&Hidden);
  const SymbolTable::Function function = symbols.Find(address + 1);
  ASSERT_NE(function.name, nullptr);
  EXPECT_EQ(Readable(function.name), "kvick::(anonymous namespace)::Hidden");
  EXPECT_EQ(function.offset, 1u);
  EXPECT_EQ(symbols.Find(1).name, nullptr);
}

TEST(SymbolTableTest, ReadsTheNamesInMangledNames) {
  EXPECT_EQ(Readable("_ZN5kvick6Worker3RunEv"), "kvick::Worker::Run");
  EXPECT_EQ(Readable("_ZNK5kvick6Worker5indexEv"), "kvick::Worker::index");
  EXPECT_EQ(Readable("_Z4freeii"), "free");
  EXPECT_EQ(Readable("main"), "main");
  EXPECT_EQ(Readable("_ZTV3Foo"), "_ZTV3Foo");
  EXPECT_EQ(Readable("_ZN99short"), "_ZN99short");
  EXPECT_EQ(Readable(""), "");
}

TEST(SymbolTableTest, CutsWhatDoesNotFit) {
  char text[6];
  WriteReadableName("abcdefgh", text, sizeof(text));
  EXPECT_STREQ(text, "abcde");
}

}  // namespace
}  // namespace kvick
