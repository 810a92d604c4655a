// The folder of mails, and the pace at which they are made.
#include "notify/mail_queue.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "notify/mail_pace.h"
#include "notify/mail_sender.h"
#include "notify/small_file.h"

namespace sekisho::notify {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class MailQueueTest : public ::testing::Test {
protected:
    MailQueueTest() {
        std::string pattern = (std::filesystem::temp_directory_path() / "sekisho-test-XXXXXX").string();
        m_folder = ::mkdtemp(pattern.data());
    }
    ~MailQueueTest() override { std::filesystem::remove_all(m_folder); }
    static Mail mail(std::string id) {
        return {std::move(id), "gate@example.com", "a@example.com", "subject", "text\n", "gw",
            base::from_unix_milliseconds(1000)};
    }
    std::string m_folder;
};

TEST_F(MailQueueTest, WaitsDiesAndIsTriedAnew) {
    RecordProperty("row", "A4");
    const MailQueue queue(m_folder);
    ASSERT_TRUE(queue.put(mail("000000000002-0-bb")));
    ASSERT_TRUE(queue.put(mail("000000000001-0-aa")));
    EXPECT_THAT(*queue.ids(), ElementsAre("000000000001-0-aa", "000000000002-0-bb"));
    EXPECT_EQ(queue.read("000000000001-0-aa")->mail.text, "text\n");
    EXPECT_EQ(queue.read("000000000001-0-aa")->attempts.since, base::from_unix_milliseconds(1000)) << "its making";

    MailAttempts attempts{3, base::from_unix_milliseconds(1000), base::from_unix_milliseconds(7000),
        base::from_unix_milliseconds(9000), "451 no\xff"};
    ASSERT_TRUE(queue.note("000000000001-0-aa", attempts));
    ASSERT_TRUE(queue.bury("000000000001-0-aa"));
    EXPECT_THAT(*queue.ids(true), ElementsAre("000000000001-0-aa"));
    const auto dead = queue.read("000000000001-0-aa");
    EXPECT_TRUE(dead->dead);
    EXPECT_EQ(dead->attempts.count, 3U);
    EXPECT_EQ(dead->attempts.next, attempts.next);

    const auto stamp = queue.stamp();
    EXPECT_TRUE(*queue.retry("000000000001-0-aa"));
    EXPECT_NE(queue.stamp(), stamp);
    EXPECT_EQ(queue.read("000000000001-0-aa")->attempts.count, 0U);
    EXPECT_GT(queue.read("000000000001-0-aa")->attempts.since, attempts.next) << "with all its time before it";
    ASSERT_TRUE(queue.remove("000000000001-0-aa"));
    ASSERT_TRUE(queue.remove("000000000002-0-bb"));
    EXPECT_FALSE(queue.remove("000000000002-0-bb"));
    EXPECT_FALSE(*queue.retry("000000000002-0-bb"));
    EXPECT_TRUE(std::filesystem::is_empty(m_folder));
}

TEST_F(MailQueueTest, TakesNothingElseForAMail) {
    const MailQueue queue(m_folder);
    for (const char* name : {"x.mail.tmp", "../x.mail", "X.mail", ".mail", "a b.mail"}) {
        if (std::string_view(name).find('/') == std::string_view::npos) std::ofstream(m_folder + "/" + name) << "{}";
    }
    EXPECT_THAT(*queue.ids(), IsEmpty());
    for (const char* id : {"../x", "", "a/b", "a.b", "A"}) {
        EXPECT_FALSE(queue.read(id)) << id;
        EXPECT_FALSE(queue.remove(id)) << id;
        EXPECT_FALSE(*queue.retry(id)) << id;
    }
    Mail bad = mail("x");
    bad.to = "a@example.com>\r\nRCPT TO:<b@example.com";
    EXPECT_FALSE(queue.put(bad));
    std::ofstream(m_folder + "/y.mail") << "nonsense";
    EXPECT_FALSE(queue.read("y"));
    EXPECT_THAT(*MailQueue(m_folder + "/nowhere").ids(), IsEmpty());
}

TEST_F(MailQueueTest, NumbersStandInFront) {
    EXPECT_EQ(MailQueue::sequence_of(MailQueue::id_for(12, 3)), 12U);
    EXPECT_EQ(MailQueue::sequence_of(MailQueue::id_for(123456789012345, 0)), 123456789012345U);
    EXPECT_EQ(MailQueue::sequence_of(MailQueue::id_for_test()), std::nullopt);
    EXPECT_TRUE(MailQueue::is_id(MailQueue::id_for(1, 19)));
    EXPECT_NE(MailQueue::id_for(1, 0), MailQueue::id_for(1, 0));
}

TEST_F(MailQueueTest, PositionsAreNumbersAndNothingElse) {
    const Position position{m_folder + "/mail"};
    EXPECT_EQ(position.read().error().detail, "missing");
    ASSERT_TRUE(position.write(42, true));
    EXPECT_EQ(*position.read(), 42U);
    for (const char* bad : {"", "x\n", "1", "1\n2\n", "-1\n", "99999999999999999999999\n"}) {
        std::ofstream(m_folder + "/mail") << bad;
        EXPECT_FALSE(position.read()) << bad;
    }
    EXPECT_FALSE((Position{m_folder + "/none/mail"}.write(1, false)));
}

TEST(MailPaceTest, ACrowdIsGathered) {
    MailPace pace;
    TimePoint now{};
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(pace.alone(now));
    EXPECT_FALSE(pace.due());
    EXPECT_FALSE(pace.alone(now + 1s));
    EXPECT_EQ(pace.due(), now + 4s);
    EXPECT_FALSE(pace.alone(now + 3s)) << "what comes behind does not overtake";
    EXPECT_EQ(pace.due(), now + 4s) << "nor does it delay";
    pace.gone(now + 4s);
    EXPECT_FALSE(pace.alone(now + 5s));
    EXPECT_EQ(pace.due(), now + 11s) << "the crowd goes on: a longer list, less often";
    pace.gone(now + 11s);
    TimePoint t = now + 12s;
    for (int i = 0; i < 6; ++i) {
        EXPECT_FALSE(pace.alone(t));
        EXPECT_LE(*pace.due(), t + 30s);
        t = *pace.due();
        pace.gone(t);
        t += 1s;
    }
    EXPECT_TRUE(pace.alone(t + 10s)) << "it is over";
}

TEST(MailSenderTest, PausesGrowAndScatter) {
    for (int i = 0; i < 100; ++i) {
        EXPECT_GE(MailSender::pause(1, 15min), 1s);
        EXPECT_LE(MailSender::pause(1, 15min), 2s);
        EXPECT_GE(MailSender::pause(4, 15min), 8s);
        EXPECT_LE(MailSender::pause(4, 15min), 16s);
        EXPECT_LE(MailSender::pause(1000, 15min), 15min);
        EXPECT_GE(MailSender::pause(1000, 15min), 7min);
    }
}

}  // namespace
}  // namespace sekisho::notify
