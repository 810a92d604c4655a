// The example in docs/RECORDING_FORMAT.md is what we read: a change of the format that forgets its document, or breaks old
// recordings, fails here.
#include <fstream>

#include "fixture.h"

namespace sekisho::recording::testing {
namespace {

Bytes example() {
    std::ifstream in(std::string(SEKISHO_SOURCE_DIR) + "/docs/RECORDING_FORMAT.md");
    Bytes bytes;
    for (std::string line; std::getline(in, line);) {
        if (line.size() < 12 || line.substr(0, 4) != "0000" || line[8] != ':') continue;
        std::string digits = line.substr(10, 39);
        std::erase(digits, ' ');
        const auto row = base::from_hex(digits);
        EXPECT_TRUE(row.has_value()) << line;
        bytes.insert(bytes.end(), row->begin(), row->end());
    }
    return bytes;
}

TEST(Format, TheDocumentsExampleReads) {
    auto reader = reader_of(example());
    ASSERT_TRUE(reader.has_value());
    EXPECT_EQ(reader->facts().audit_key, "2026-11-22_14-16-00_alice");
    EXPECT_EQ(base::rfc3339(reader->facts().started), "2026-11-22T05:16:00.123Z");
    const auto opened = reader->next();
    ASSERT_TRUE(opened.has_value());
    EXPECT_EQ(to_line(*opened), "0 1 session|ubuntu@web1|");
    EXPECT_EQ(opened->at, std::chrono::microseconds(81'730));
    const auto request = reader->next();
    EXPECT_EQ(to_line(*request), "1 1 c exec " + std::string("\0\0\0\6uptime", 10));
    EXPECT_EQ(request->at, std::chrono::microseconds(82'930));
    const auto output = reader->next();
    EXPECT_EQ(to_line(*output), "2 1 1 up 3 days\n");
    EXPECT_EQ(output->at, std::chrono::microseconds(131'141));
    EXPECT_FALSE(reader->next().has_value());
    EXPECT_TRUE(reader->problems().empty()) << reader->problems()[0].text;
    ASSERT_TRUE(reader->end().has_value());
    EXPECT_EQ(reader->end()->duration_us, 131'400U);
}

TEST(Format, VarintsRoundTripAndOverlongOnesAreRefused) {
    for (const std::uint64_t value : {0ULL, 1ULL, 127ULL, 128ULL, 16383ULL, 16384ULL, ~0ULL, 1ULL << 63}) {
        Bytes bytes;
        format::append_varint(bytes, value);
        format::Cursor cursor{bytes};
        EXPECT_EQ(cursor.varint(), value);
        EXPECT_TRUE(cursor.ok && cursor.rest.empty());
    }
    for (const char* wrong : {"80", "ffffffffffffffffff02", "ffffffffffffffffffff01", ""}) {
        const Bytes bytes = *base::from_hex(wrong);
        format::Cursor cursor{bytes};
        cursor.varint();
        EXPECT_FALSE(cursor.ok) << wrong;
    }
}

}  // namespace
}  // namespace sekisho::recording::testing
