// What mails say. The Japanese words are the original's.
#include "notify/mail_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sekisho::notify {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class MailTextTest : public ::testing::Test {
protected:
    MailTextTest() {
        ::setenv("TZ", "Asia/Tokyo", 1);
        ::tzset();
        m_facts.host = "gw";
        m_facts.session.id = "0123456789abcdef";
        m_facts.session.user = "alice";
        m_facts.session.source = "192.0.2.7";
        m_facts.session.started = base::from_unix_milliseconds(1796050799000);
        m_facts.record.time = m_facts.session.started;
    }
    ~MailTextTest() override {
        ::unsetenv("TZ");
        ::tzset();
    }
    MailFacts m_facts;
};

TEST_F(MailTextTest, SaysWhatTheOriginalSaid) {
    RecordProperty("row", "A4");
    const MailText mail = MailTexts("ja").about(m_facts);
    EXPECT_EQ(mail.subject, "alice でセッション開始");
    EXPECT_EQ(mail.text,
        "リモートセッションが開始されました。\n"
        "日時    : 2026-11-30 23:59:59 +0900 (JST)\n"
        "ユーザ  : alice\n"
        "接続元IP: 192.0.2.7\n"
        "識別子  : 0123456789abcdef\n"
        "\n"
        "本メールは、SSH サーバー(gw)から自動送信されています。\n");
}

TEST_F(MailTextTest, FinishSaysHowLongAndHowMuch) {
    m_facts.event = MailEvent::Finish;
    m_facts.session.finished = m_facts.session.started + std::chrono::seconds(3723);
    m_facts.session.bytes_in = 10;
    m_facts.session.bytes_out = 2000;
    m_facts.session.result = "cut";
    m_facts.places = {"ubuntu@web1", "ledger:443"};
    const std::string text = MailTexts("en").about(m_facts).text;
    EXPECT_THAT(text, HasSubstr("Date     : 2026-12-01 01:02:02 +0900 (JST)\n"));
    EXPECT_THAT(text, HasSubstr("Duration : 1 h 2 min 3 s\n"));
    EXPECT_THAT(text, HasSubstr("To       : ubuntu@web1, ledger:443\n"));
    EXPECT_THAT(text, HasSubstr("Bytes    : 10 from the user, 2000 to the user\n"));
    EXPECT_THAT(text, HasSubstr("Result   : cut\n"));
    EXPECT_THAT(text, Not(HasSubstr("Audit key")));
    EXPECT_THAT(MailTexts("ja").about(m_facts).text, HasSubstr("時間    : 1時間2分3秒\n"));
}

TEST_F(MailTextTest, ValuesStayOnTheirLine) {
    m_facts.session.user = "eve\nUser     : root\r\n.\r\n{host}";
    const MailText mail = MailTexts("en").about(m_facts);
    EXPECT_EQ(mail.subject, "eve_User     : root__.__{host}: session started");
    EXPECT_THAT(mail.text, HasSubstr("User     : eve_User     : root__.__{host}\n"));
}

TEST_F(MailTextTest, TextsOfOnesOwn) {
    MailTexts texts("en");
    texts.replace(
        MailEvent::Start, "Subject: [{host}] {user}\n\n{user} {nobody} { {places}\n{audit_key}\n{places}{audit_key}\nend");
    m_facts.places = {"web"};
    EXPECT_EQ(texts.about(m_facts).subject, "[gw] alice");
    EXPECT_EQ(texts.about(m_facts).text, "alice {nobody} { web\nweb\nend");
    texts.replace(MailEvent::Start, "only {user}\n");
    EXPECT_EQ(texts.about(m_facts).subject, "alice: session started");
    EXPECT_EQ(texts.about(m_facts).text, "only alice\n");
    texts.replace(MailEvent::Start, "Subject: hello {user}");
    EXPECT_EQ(texts.about(m_facts).subject, "hello alice");
    EXPECT_THAT(texts.about(m_facts).text, StartsWith("A session was started.\n"));
}

TEST_F(MailTextTest, ListsManyAndCountsTheRest) {
    std::vector<std::pair<MailEvent, model::AuditRecord>> records;
    for (int i = 0; i < 250; ++i) {
        model::AuditRecord record = m_facts.record;
        record.user = "u" + std::to_string(i);
        record.source = "::1";
        record.subject = "web\n";
        record.session = "s";
        records.emplace_back(i % 5 == 0 ? MailEvent::Finish : MailEvent::Start, record);
    }
    const MailText english = MailTexts("en").list(records, "gw");
    EXPECT_EQ(english.subject, "250 events of sessions: 200 started, 50 finished");
    EXPECT_THAT(english.text, HasSubstr("11/30 23:59:59 FINISH  u195 ::1 web_ s\n"));
    EXPECT_THAT(english.text, HasSubstr("u199 "));
    EXPECT_THAT(english.text, Not(HasSubstr("u200 ")));
    EXPECT_THAT(english.text, HasSubstr("and 50 more\n"));
    EXPECT_EQ(MailTexts("ja").list(records, "gw").subject, "セッション 250件 (開始 200、終了 50)");
}

}  // namespace
}  // namespace sekisho::notify
