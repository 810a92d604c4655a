#include "recording/seal.h"

#include <algorithm>

#include "crypto/hash.h"
#include "fixture.h"

namespace sekisho::recording::testing {
namespace {

using base::view;
using crypto::X25519Pair;

constexpr std::string_view kMarker = "the-words-that-nobody-else-may-read";

struct Sealed {
    std::string key;
    Bytes bytes;
};

/// A session whose output says the marker, small and large, recorded and sealed to `to`.
Sealed record(std::vector<AuditorKey> to) {
    const TemporaryFolder folder;
    std::string key;
    {
        const auto recordings = make_recordings(folder.path(), std::move(to));
        Session session(*recordings, facts_of("alice"));
        EXPECT_FALSE(session.open_error) << session.open_error->full();
        const TimePoint now = std::chrono::steady_clock::now();
        session.recorder->channel_opened({.channel = 1, .type = "session", .target = "ubuntu@web1", .destination = {}}, now);
        session.recorder->request(1, true, "exec", view(std::string("\0\0\0\4", 4) + "date"), now);
        std::string large;
        while (large.size() < 300'000) large.append(kMarker).append(std::to_string(large.size()));
        session.recorder->data(1, Stream::Output, view(kMarker), now);
        session.recorder->data(1, Stream::Output, view(large), now);
        session.recorder->channel_closed(1, now);
        EXPECT_TRUE(session.finish());
        key = session.key;
    }
    return {key, file_bytes(path_in(folder.path(), key))};
}

std::string output_of(Reader& reader) {
    std::string out;
    while (const auto event = reader.next()) {
        if (event->kind == Event::Kind::Data) out.append(base::text_view(event->bytes));
    }
    return out;
}

X25519Pair pair(std::uint64_t seed) {
    crypto::TestRandom random(seed);
    return crypto::x25519_generate(random);
}

std::vector<std::size_t> blocks_of(const Bytes& bytes) {
    std::vector<std::size_t> offsets;
    for (std::size_t at = format::kFileHeader; at < bytes.size();) {
        offsets.push_back(at);
        at += format::kBlockHeader + format::decode(BytesView(bytes).subspan(at))->stored;
    }
    return offsets;
}

TEST(Seal, OpensToEveryAuditorAndToNobodyElse) {
    const X25519Pair first = pair(1), second = pair(2), stranger = pair(3);
    const Sealed sealed = record({first.public_value, second.public_value});
    EXPECT_EQ(base::text_view(sealed.bytes).find(kMarker), std::string_view::npos);
    EXPECT_EQ(base::text_view(sealed.bytes).find("date"), std::string_view::npos) << "the command line";
    for (const X25519Pair* auditor : {&first, &second}) {
        Reader reader = reader_of(sealed.bytes).value();
        EXPECT_TRUE(reader.sealed());
        ASSERT_TRUE(reader.unseal(*auditor));
        const std::string output = output_of(reader);
        EXPECT_GT(output.size(), 300'000u);
        EXPECT_TRUE(output.starts_with(kMarker));
        EXPECT_TRUE(reader.problems().empty()) << reader.problems().front().text;
        EXPECT_EQ(reader.sealed_blocks(), 0u);
        ASSERT_TRUE(reader.end());
    }
    Reader reader = reader_of(sealed.bytes).value();
    EXPECT_FALSE(reader.unseal(stranger));
    EXPECT_EQ(output_of(reader), "");
    EXPECT_TRUE(reader.problems().empty()) << "its chain is whole";
    EXPECT_GE(reader.sealed_blocks(), 5u);
    EXPECT_EQ(reader.sealed_events(), reader.end()->totals.events + 4)
        << "data that goes on in another block is another event there";
}

TEST(Seal, WhoeverHasNoKeyVerifiesTheChain) {
    const X25519Pair auditor = pair(1);
    Sealed sealed = record({auditor.public_value});
    auto whole = verify(reader_of(sealed.bytes));
    ASSERT_TRUE(whole);
    EXPECT_TRUE(whole->intact());
    EXPECT_GE(whole->sealed_blocks, 5u);
    const std::size_t block = blocks_of(sealed.bytes)[2];
    sealed.bytes[block + format::kBlockHeader + 5] ^= std::byte{1};
    auto changed = verify(reader_of(sealed.bytes));
    ASSERT_TRUE(changed);
    ASSERT_EQ(changed->problems.size(), 1u);
    EXPECT_EQ(changed->problems.front().block, 2u);
}

// Somebody who computes the chain anew, as its checksums alone allow, is found by the key.
TEST(Seal, AForgerOfTheChainIsFoundWithTheKey) {
    const X25519Pair auditor = pair(1);
    const Sealed sealed = record({auditor.public_value});
    const auto forged = [&](const std::function<void(MutableBytes header, MutableBytes stored)>& change) {
        Bytes bytes = sealed.bytes;
        const std::vector<std::size_t> offsets = blocks_of(bytes);
        format::Checksum before = crypto::sha256({BytesView(bytes).first(format::kFileHeader)});
        for (std::size_t i = 0; i < offsets.size(); ++i) {
            const std::size_t end = i + 1 < offsets.size() ? offsets[i + 1] : bytes.size();
            const MutableBytes header = MutableBytes(bytes).subspan(offsets[i], format::kBlockHeader);
            const std::size_t body = offsets[i] + format::kBlockHeader;
            const MutableBytes stored = MutableBytes(bytes).subspan(body, end - body);
            if (i == 2) change(header, stored);
            before = format::checksum(before, header, stored);
            std::ranges::copy(before, header.begin() + format::kHashed);
        }
        Reader reader = reader_of(bytes).value();
        EXPECT_TRUE(reader.unseal(auditor));
        return verify(std::move(reader))->problems;
    };
    EXPECT_TRUE(forged([](MutableBytes, MutableBytes) {}).empty());
    EXPECT_EQ(forged([](MutableBytes, MutableBytes stored) { stored[0] ^= std::byte{1}; }).at(0).block, 2u);
    EXPECT_EQ(forged([](MutableBytes header, MutableBytes) { header[31] ^= std::byte{1}; }).at(0).block, 2u) << "its time";
    EXPECT_EQ(forged([](MutableBytes header, MutableBytes) { header[7] = std::byte{0}; }).at(0).block, 2u)
        << "said to be open";
}

TEST(Seal, ABlockOfAnotherPlaceOrRecordingDoesNotOpen) {
    crypto::TestRandom random(4);
    const X25519Pair auditor = pair(1);
    auto made = make_seal(std::vector<AuditorKey>{auditor.public_value}, "2026-11-22_05-16-00_alice", random);
    ASSERT_TRUE(made);
    EXPECT_FALSE(open_seal(made->sealed, auditor, "2026-11-22_05-16-00_bob"));
    const auto opened = open_seal(made->sealed, auditor, "2026-11-22_05-16-00_alice");
    ASSERT_TRUE(opened);
    EXPECT_TRUE(*opened == made->key);
    Bytes header(format::kHashed, std::byte{7});
    Bytes room(5 + crypto::aead::kTag);
    std::ranges::copy(view("hello"), room.begin());
    ASSERT_EQ(seal_block(*opened, 3, header, room, 5), room.size());
    Bytes out(5);
    ASSERT_TRUE(open_block(*opened, 3, header, room, out));
    EXPECT_EQ(base::text_view(out), "hello");
    EXPECT_FALSE(open_block(*opened, 4, header, room, out));
    EXPECT_EQ(out, Bytes(5)) << "nothing is left of what was not opened";
    header[0] = std::byte{8};
    EXPECT_FALSE(open_block(*opened, 3, header, room, out));
}

TEST(Seal, FactsWithADamagedSealAreNoFacts) {
    const X25519Pair auditor = pair(1);
    crypto::TestRandom random(4);
    Facts facts{facts_of("alice"), "00", make_seal(std::vector<AuditorKey>{auditor.public_value}, "key", random)->sealed};
    const std::string text = encode_facts(facts);
    ASSERT_TRUE(decode_facts(text));
    EXPECT_EQ(decode_facts(text)->seal.at(0).to, auditor.public_value);
    for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{{"\"to\":\"", "\"to\":\"A"},
             {"\"seal\":[{", "\"seal\":[1,{"}, {"\"encapsulated\"", "\"other\""}, {"\"key\"", "\"kez\""}}) {
        std::string broken = text;
        broken.replace(broken.find(from), from.size(), to);
        EXPECT_FALSE(decode_facts(broken)) << broken;
    }
}

TEST(Seal, KeysAreBase64OfThirtyTwoBytes) {
    const X25519Pair auditor = pair(1);
    EXPECT_EQ(parse_auditor_key(text_of(auditor.public_value)), auditor.public_value);
    EXPECT_EQ(parse_auditor_key(" " + text_of(auditor.public_value) + "\n"), auditor.public_value);
    EXPECT_EQ(parse_auditor_secret(base::base64(auditor.secret.bytes()))->public_value, auditor.public_value);
    for (const std::string& wrong : {std::string(), std::string("AAAA"), text_of(auditor.public_value).substr(1),
             text_of(AuditorKey{}), std::string(10'000, 'A')}) {
        EXPECT_FALSE(parse_auditor_key(wrong)) << wrong.substr(0, 50);
    }
    const auto wrong = parse_auditor_secret("secret words");
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().full().find("secret words"), std::string::npos);
}

}  // namespace
}  // namespace sekisho::recording::testing
