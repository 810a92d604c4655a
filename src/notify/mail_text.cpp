#include "notify/mail_text.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "notify/one_line.h"

namespace sekisho::notify {
namespace {

using Values = std::map<std::string, std::string, std::less<>>;

// The Japanese text of START is that of the server that we replace (row A4).
constexpr std::string_view kStartJapanese =
    "Subject: {user} でセッション開始\n"
    "\n"
    "リモートセッションが開始されました。\n"
    "日時    : {started}\n"
    "ユーザ  : {user}\n"
    "接続元IP: {source}\n"
    "接続先  : {places}\n"
    "監査キー: {audit_key}\n"
    "識別子  : {session}\n"
    "\n"
    "本メールは、SSH サーバー({host})から自動送信されています。\n";
constexpr std::string_view kFinishJapanese =
    "Subject: {user} でセッション終了\n"
    "\n"
    "リモートセッションが終了しました。\n"
    "日時    : {finished}\n"
    "開始    : {started}\n"
    "時間    : {duration}\n"
    "ユーザ  : {user}\n"
    "接続元IP: {source}\n"
    "接続先  : {places}\n"
    "転送量  : 受信 {bytes_in} バイト、送信 {bytes_out} バイト\n"
    "結果    : {result}\n"
    "監査キー: {audit_key}\n"
    "識別子  : {session}\n"
    "\n"
    "本メールは、SSH サーバー({host})から自動送信されています。\n";
constexpr std::string_view kRefusedJapanese =
    "Subject: {user} の接続を拒否\n"
    "\n"
    "接続が拒否されました。\n"
    "日時    : {time}\n"
    "ユーザ  : {user}\n"
    "接続元IP: {source}\n"
    "接続先  : {subject}\n"
    "理由    : {reason}\n"
    "識別子  : {session}\n"
    "\n"
    "本メールは、SSH サーバー({host})から自動送信されています。\n";
constexpr std::string_view kStartEnglish =
    "Subject: {user}: session started\n"
    "\n"
    "A session was started.\n"
    "Date     : {started}\n"
    "User     : {user}\n"
    "From     : {source}\n"
    "To       : {places}\n"
    "Audit key: {audit_key}\n"
    "Session  : {session}\n"
    "\n"
    "The SSH gateway {host} sent this mail by itself.\n";
constexpr std::string_view kFinishEnglish =
    "Subject: {user}: session finished\n"
    "\n"
    "A session was finished.\n"
    "Date     : {finished}\n"
    "Started  : {started}\n"
    "Duration : {duration}\n"
    "User     : {user}\n"
    "From     : {source}\n"
    "To       : {places}\n"
    "Bytes    : {bytes_in} from the user, {bytes_out} to the user\n"
    "Result   : {result}\n"
    "Audit key: {audit_key}\n"
    "Session  : {session}\n"
    "\n"
    "The SSH gateway {host} sent this mail by itself.\n";
constexpr std::string_view kRefusedEnglish =
    "Subject: {user}: refused\n"
    "\n"
    "Something was refused.\n"
    "Date     : {time}\n"
    "User     : {user}\n"
    "From     : {source}\n"
    "To       : {subject}\n"
    "Reason   : {reason}\n"
    "Session  : {session}\n"
    "\n"
    "The SSH gateway {host} sent this mail by itself.\n";

std::string_view built_in(MailEvent event, bool japanese) {
    switch (event) {
        case MailEvent::Start: return japanese ? kStartJapanese : kStartEnglish;
        case MailEvent::Finish: return japanese ? kFinishJapanese : kFinishEnglish;
        case MailEvent::Refused: return japanese ? kRefusedJapanese : kRefusedEnglish;
    }
    return kStartEnglish;
}

std::string local(WallTime when) { return base::local_time(when, "%Y-%m-%d %H:%M:%S %z (%Z)"); }

std::string duration(WallTime from, WallTime to, bool japanese) {
    const auto seconds = std::max<std::int64_t>(std::chrono::duration_cast<std::chrono::seconds>(to - from).count(), 0);
    const auto hours = seconds / 3600;
    const auto minutes = seconds / 60 % 60;
    std::string out;
    if (hours > 0) out += fmt::format("{}{}", hours, japanese ? "時間" : " h ");
    if (hours > 0 || minutes > 0) out += fmt::format("{}{}", minutes, japanese ? "分" : " min ");
    return out + fmt::format("{}{}", seconds % 60, japanese ? "秒" : " s");
}

/// A heading of "Subject: …" and an empty line, if there is one.
std::pair<std::string_view, std::string_view> parts(std::string_view form) {
    constexpr std::string_view kSubject = "Subject: ";
    if (!form.starts_with(kSubject)) return {{}, form};
    const std::size_t end = std::min(form.find('\n'), form.size());
    std::string_view text = form.substr(std::min(end + 1, form.size()));
    if (text.starts_with('\n')) text.remove_prefix(1);
    return {form.substr(kSubject.size(), end - kSubject.size()), text};
}

std::string_view past(MailEvent event) {
    switch (event) {
        case MailEvent::Start: return "started";
        case MailEvent::Finish: return "finished";
        case MailEvent::Refused: return "refused";
    }
    return "";
}

/// A word of the event for a list.
std::string_view word(MailEvent event, bool japanese) {
    switch (event) {
        case MailEvent::Start: return japanese ? "開始" : "START  ";
        case MailEvent::Finish: return japanese ? "終了" : "FINISH ";
        case MailEvent::Refused: return japanese ? "拒否" : "REFUSED";
    }
    return "";
}

}  // namespace

std::string_view name(MailEvent event) {
    switch (event) {
        case MailEvent::Start: return "start";
        case MailEvent::Finish: return "finish";
        case MailEvent::Refused: return "refused";
    }
    return "";
}

std::string filled(std::string_view form, const Values& values) {
    std::string out;
    while (!form.empty()) {
        const std::size_t end = std::min(form.find('\n'), form.size() - 1) + 1;
        std::string_view rest = form.substr(0, end);
        form.remove_prefix(end);
        std::string line;
        bool names = false, says_something = false;
        while (!rest.empty()) {
            const std::size_t open = std::min(rest.find('{'), rest.size());
            line += rest.substr(0, open);
            rest.remove_prefix(open);
            const std::size_t close = rest.find('}');
            const auto value = close == std::string_view::npos ? values.end() : values.find(rest.substr(1, close - 1));
            if (rest.empty()) break;
            if (value == values.end()) {
                line += '{';
                rest.remove_prefix(1);
                continue;
            }
            names = true;
            says_something = says_something || !value->second.empty();
            line += value->second;
            rest.remove_prefix(close + 1);
        }
        if (!names || says_something) out += line;
    }
    return out;
}

MailText MailTexts::about(const MailFacts& facts) const {
    const model::Session& session = facts.session;
    constexpr std::size_t kReasonMost = 1000;
    constexpr std::size_t kPlacesMost = 4000;
    std::string places;
    for (const std::string& place : facts.places) places += (places.empty() ? "" : ", ") + one_line(place);
    Values values{{"event", std::string(name(facts.event))}, {"user", one_line(session.user)},
        {"source", one_line(session.source)}, {"host", one_line(facts.host)}, {"places", one_line(places, kPlacesMost)},
        {"target", one_line(session.target)}, {"time", local(facts.record.time)}, {"started", local(session.started)},
        {"finished", ""}, {"duration", ""}, {"bytes_in", std::to_string(session.bytes_in)},
        {"bytes_out", std::to_string(session.bytes_out)}, {"result", one_line(session.result, kReasonMost)},
        {"audit_key", one_line(session.audit_key)}, {"session", one_line(session.id)}, {"client", one_line(session.client)},
        {"key", one_line(session.key_fingerprint)}, {"subject", one_line(facts.record.subject)},
        {"reason", one_line(facts.record.reason, kReasonMost)}};
    if (session.finished) {
        values["finished"] = local(*session.finished);
        values["duration"] = duration(session.started, *session.finished, m_japanese);
    }
    const auto ours = parts(built_in(facts.event, m_japanese));
    const auto file = m_files.find(facts.event);
    auto theirs = file == m_files.end() ? std::pair<std::string_view, std::string_view>() : parts(file->second);
    if (theirs.first.empty()) theirs.first = ours.first;
    if (theirs.second.empty()) theirs.second = ours.second;
    return {filled(theirs.first, values), filled(theirs.second, values)};
}

MailText MailTexts::list(
    const std::vector<std::pair<MailEvent, model::AuditRecord>>& records, const std::string& host) const {
    std::array<std::size_t, 3> count{};
    for (const auto& [event, record] : records) ++count[static_cast<std::size_t>(event)];
    MailText mail;
    std::string counts;
    for (const MailEvent event : {MailEvent::Start, MailEvent::Finish, MailEvent::Refused}) {
        const std::size_t many = count[static_cast<std::size_t>(event)];
        if (many == 0) continue;
        counts += counts.empty() ? "" : m_japanese ? "、" : ", ";
        counts += m_japanese ? fmt::format("{} {}", word(event, true), many) : fmt::format("{} {}", many, past(event));
    }
    mail.subject = m_japanese ? fmt::format("セッション {}件 ({})", records.size(), counts)
                              : fmt::format("{} events of sessions: {}", records.size(), counts);
    mail.text = m_japanese ? "短い間に多くのセッションがありましたので、まとめてお知らせします。\n\n"
                           : "Many sessions in a short time, told in one mail:\n\n";
    std::size_t listed = 0;
    for (const auto& [event, record] : records) {
        if (listed++ == kListed) break;
        mail.text += fmt::format("{} {} {} {} {}{}{}\n", base::local_time(record.time, "%m/%d %H:%M:%S"),
            word(event, m_japanese), one_line(record.user, 64), one_line(record.source, 64), one_line(record.subject, 128),
            record.session.empty() ? "" : " ", one_line(record.session, 32));
    }
    if (records.size() > kListed) {
        mail.text += m_japanese ? fmt::format("ほか {} 件\n", records.size() - kListed)
                                : fmt::format("and {} more\n", records.size() - kListed);
    }
    mail.text += m_japanese ? fmt::format("\n本メールは、SSH サーバー({})から自動送信されています。\n", one_line(host))
                            : fmt::format("\nThe SSH gateway {} sent this mail by itself.\n", one_line(host));
    return mail;
}

MailText MailTexts::test(const std::string& host, WallTime now) const {
    const std::string from = one_line(host);
    if (m_japanese) {
        return {fmt::format("{} からのテストメール", from),
            fmt::format("このメールは届くことを確認するためのものです。\n日時    : {}\n\n"
                        "本メールは、SSH サーバー({})から自動送信されています。\n",
                local(now), from)};
    }
    return {fmt::format("Test mail of {}", from),
        fmt::format("This mail shows that mails arrive.\nDate     : {}\n\nThe SSH gateway {} sent this mail by itself.\n",
            local(now), from)};
}

}  // namespace sekisho::notify
