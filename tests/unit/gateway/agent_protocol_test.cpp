// The user's agent answers us; what it says is bounded and cut as the protocol has it, whatever the pieces it comes in.
#include "gateway/agent_protocol.h"

#include <gtest/gtest.h>

#include "wire/limits.h"
#include "wire/writer.h"

namespace sekisho::gateway {
namespace {

namespace limits = wire::limits;

Bytes list_of(std::uint32_t count) {
    wire::Writer out;
    out.byte(12).u32(count);
    for (std::uint32_t i = 0; i < count; ++i) out.string("blob").string("comment");
    return out.take();
}

TEST(AgentProtocol, AnswersAreCutOutOfAnyPieces) {
    const Bytes stream = wire::Writer().string(list_of(2)).take();
    for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, stream.size()}) {
        AgentAnswers answers;
        std::optional<Bytes> whole;
        for (std::size_t at = 0; at < stream.size(); at += piece) {
            auto taken = answers.take(BytesView(stream).subspan(at, std::min(piece, stream.size() - at)));
            ASSERT_TRUE(taken.has_value());
            if (*taken) whole = std::move(*taken);
        }
        ASSERT_TRUE(whole.has_value());
        const auto identities = parse_agent_identities(*whole);
        ASSERT_TRUE(identities.has_value());
        EXPECT_EQ(identities->size(), 2U);
        EXPECT_EQ(identities->at(1).comment, "comment");
    }
}

TEST(AgentProtocol, MoreThanTheAnswerIsAnError) {
    Bytes stream = wire::Writer().string(list_of(1)).take();
    stream.push_back(std::byte{0});
    EXPECT_FALSE(AgentAnswers().take(stream).has_value());
    EXPECT_FALSE(AgentAnswers().take(wire::Writer().u32(0).take()).has_value());
}

TEST(Limits, AgentAnswer) {
    const auto claims = [](std::size_t size) { return wire::Writer().u32(static_cast<std::uint32_t>(size)).take(); };
    EXPECT_TRUE(AgentAnswers().take(claims(limits::kAgentAnswer)).has_value());
    EXPECT_FALSE(AgentAnswers().take(claims(limits::kAgentAnswer + 1)).has_value());
    AgentAnswers whole;
    ASSERT_TRUE(whole.take(claims(limits::kAgentAnswer)).has_value());
    EXPECT_TRUE(whole.take(Bytes(limits::kAgentAnswer)).value().has_value());
    AgentAnswers more;
    ASSERT_TRUE(more.take(claims(limits::kAgentAnswer)).has_value());
    EXPECT_FALSE(more.take(Bytes(limits::kAgentAnswer + 1)).has_value());
}

TEST(Limits, AgentIdentities) {
    EXPECT_EQ(parse_agent_identities(list_of(limits::kAgentIdentities)).value().size(), limits::kAgentIdentities);
    EXPECT_FALSE(parse_agent_identities(list_of(limits::kAgentIdentities + 1)).has_value());
    EXPECT_FALSE(parse_agent_identities(wire::Writer().byte(12).u32(0xffffffff).take()).has_value());
    EXPECT_FALSE(parse_agent_identities(wire::Writer().byte(5).take()).has_value());
}

}  // namespace
}  // namespace sekisho::gateway
