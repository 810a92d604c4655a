// The example in docs/RECORDING_FORMAT.md is what we read: a change of the format that forgets its document, or breaks old
// recordings, fails here.
#include <fstream>

#include <nlohmann/json.hpp>

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

std::string documented_key() {
    std::ifstream in(std::string(SEKISHO_SOURCE_DIR) + "/docs/RECORDING_FORMAT.md");
    for (std::string line; std::getline(in, line);) {
        const auto begin = line.find("`ssh-ed25519 ");
        if (begin != std::string::npos) return line.substr(begin + 1, line.find('`', begin + 1) - begin - 1);
    }
    return {};
}

TEST(Format, FactsAndEndAreWhatAJsonLibraryWouldWrite) {
    // Read and written again by the library, they are the same: compact, in the order of the names, escaped alike.
    const auto again = [](const std::string& text) { return nlohmann::json::parse(text).dump(); };
    Facts facts{facts_of("alice"), "00ff"};
    facts.audit_key = "2026-11-22_05-16-00_alice";
    EXPECT_EQ(encode_facts(facts), again(encode_facts(facts)));
    facts.client = "SSH-2.0-\"quoted\" back\\slash \x01\x7f tab\t \u3042";
    facts.user = std::string(5000, 'u');
    const std::string odd = encode_facts(facts);
    EXPECT_EQ(odd, again(odd));
    EXPECT_EQ(decode_facts(odd)->client, facts.client);
    EXPECT_EQ(decode_facts(odd)->user, std::string(1024, 'u'));
    facts.client = "not UTF-8: \xff";
    EXPECT_EQ(decode_facts(encode_facts(facts))->client, "not UTF-8: \ufffd");

    End end{.reason = "finished", .duration_us = 123, .blocks = 4, .totals = {{1, 2, 3, 4}, 18446744073709551615U, 6, {}}};
    EXPECT_EQ(encode_end(end), again(encode_end(end)));
    end.totals.targets = {"ubuntu@web1", "a \"b\"", ""};
    end.failure = "No space left on device";
    for (const Ending ending : {Ending::Complete, Ending::Failed, Ending::Cut}) {
        end.ending = ending;
        const std::string text = encode_end(end);
        EXPECT_EQ(text, again(text));
        const auto read = decode_end(text);
        EXPECT_EQ(read->totals.targets, end.totals.targets);
        EXPECT_EQ(read->failure, end.failure);
        EXPECT_EQ(read->ending, ending);
        EXPECT_EQ(read->totals.bytes, ending == Ending::Cut ? decltype(end.totals.bytes){} : end.totals.bytes);
    }
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
    // Its signature is right by the key that stands above the dump.
    ASSERT_TRUE(reader->signature() && reader->written());
    const std::string key = documented_key();
    const auto keys = evidence::EvidenceKeys::parse(key);
    ASSERT_TRUE(keys) << key;
    EXPECT_EQ(reader->facts().signed_by, reader->signature()->key);
    const auto statement = reader->signature()->statement(reader->written()->last);
    ASSERT_TRUE(statement);
    EXPECT_EQ(statement->statement.count, 2U);
    EXPECT_TRUE(keys->verify(*statement));
    EXPECT_EQ(encode_signature(*reader->signature()), nlohmann::json::parse(encode_signature(*reader->signature())).dump());
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
