#include "wire/reader.h"

#include <gtest/gtest.h>

#include "wire/writer.h"

namespace sekisho::wire {
namespace {

Bytes from(std::string_view hex) { return base::from_hex(hex).value(); }

// RFC 4251 §5, the examples of mpint.
TEST(Mpint, ExamplesOfTheStandard) {
    EXPECT_EQ(base::hex(Writer().mpint({}).bytes()), "00000000");
    EXPECT_EQ(base::hex(Writer().mpint(from("09a378f9b2e332a7")).bytes()), "0000000809a378f9b2e332a7");
    EXPECT_EQ(base::hex(Writer().mpint(from("80")).bytes()), "000000020080");
}

TEST(Mpint, NegativeAndPaddedNumbersAreRefused) {
    for (const char* bad : {"00000002edcc", "00000005ff21524111", "000000020009", "0000000100"}) {
        const Bytes bytes = from(bad);
        Reader in(bytes);
        in.mpint();
        EXPECT_FALSE(in.ok()) << bad;
    }
}

TEST(Reader, ALengthBeyondTheEndOrTheLimitGivesNothing) {
    const Bytes bytes = from("ffffffff41");
    Reader in(bytes);
    EXPECT_TRUE(in.string().empty());
    EXPECT_FALSE(in.ok());
    const Bytes over = Writer().string("12345").take();
    Reader limited(over);
    EXPECT_TRUE(limited.string(4).empty());
    EXPECT_FALSE(limited.finish("test").has_value());
}

TEST(Reader, ErrorsStick) {
    const Bytes bytes = from("0000");
    Reader in(bytes);
    in.u32();
    EXPECT_EQ(in.byte(), 0);
    EXPECT_FALSE(in.ok());
}

TEST(Reader, NameLists) {
    const Bytes good = Writer().string("a,b,c@x").take();
    Reader in(good);
    EXPECT_EQ(in.name_list(), (std::vector<std::string>{"a", "b", "c@x"}));
    EXPECT_TRUE(in.finish("list").has_value());
    for (const char* strange : {",a,b", "a,b,", "a,,b", ",a,,b,,"}) {
        const Bytes bytes = Writer().string(strange).take();
        Reader reader(bytes);
        EXPECT_EQ(reader.name_list(), (std::vector<std::string>{"a", "b"})) << strange;
        EXPECT_TRUE(reader.ok()) << strange;
    }
    for (const char* bad : {"a b", "a\nb"}) {
        const Bytes bytes = Writer().string(bad).take();
        Reader reader(bytes);
        reader.name_list();
        EXPECT_FALSE(reader.ok()) << bad;
    }
}

TEST(Reader, LeftoversAreAnError) {
    const Bytes bytes = Writer().byte(1).byte(2).take();
    Reader in(bytes);
    in.byte();
    EXPECT_FALSE(in.finish("test").has_value());
}

}  // namespace
}  // namespace sekisho::wire
