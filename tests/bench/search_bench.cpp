// What a search costs in a store of many sessions and commands. `search_bench fill URL SESSIONS` makes them, ten commands each, the same
// each time; `search_bench ask URL SESSIONS RUNS` asks each kind of question and prints the milliseconds of each run as JSON. Run by
// bench.py ("search"), on SQLite and on PostgreSQL.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "store/store.h"

namespace sekisho {
namespace {

using store::ActivityFilter;
using store::SessionFilter;

constexpr int kUsers = 500, kTargets = 2000, kCommandsOfSession = 10;
constexpr std::int64_t kBegin = 1'750'000'000'000;  // ms
constexpr std::int64_t kBetweenSessions = 300'000;  // ms: 100,000 of them are almost a year

const std::vector<std::string> kWords{"systemctl restart nginx", "ls -l /var/log/app{}", "sudo rm -rf /tmp/build-{}",
    "cat /etc/hosts", "less 障害報告{}.txt", "grep -r error{} /srv/www", "git pull --rebase origin branch-{}",
    "docker logs -f service{}", "df -h", "vi /etc/nginx/conf.d/site{}.conf", "kubectl get pods -n team{}",
    "tail -f /var/log/syslog", "psql -c 'select count(*) from orders{}'", "journalctl -u worker{} --since today",
    "cp 議事録.txt /共有/フォルダ{}/", "curl -s http://10.0.0.{}/health", "tar czf backup-{}.tgz data",
    "chmod 600 key{}.pem", "w", "top -b -n1"};

WallTime time_of(std::int64_t session, std::int64_t command = 0) {
    return base::from_unix_milliseconds(kBegin + session * kBetweenSessions + command * 7'000);
}
std::string user_of(std::int64_t number) { return fmt::format("user{}", number % kUsers); }

[[noreturn]] void stop(const Error& error) {
    fmt::print(stderr, "search_bench: {}\n", error.full());
    std::exit(1);
}

void fill(store::Store& store, std::int64_t sessions) {
    constexpr std::int64_t kTogether = 200;
    std::mt19937_64 random(1);
    for (std::int64_t first = 0; first < sessions; first += kTogether) {
        const auto done = store.together([&]() -> Result<void> {
            std::vector<model::CommandRun> commands;
            for (std::int64_t i = first; i < std::min(sessions, first + kTogether); ++i) {
                model::Session session{.id = fmt::format("{:016x}", i),
                    .audit_key = fmt::format("2026-01-01_00-00-00_{}+{}", user_of(i), i),
                    .user = user_of(i),
                    .source = fmt::format("10.{}.{}.7", i % 7, i % 250),
                    .source_port = 50000,
                    .key_fingerprint = "SHA256:0123456789012345678901234567890123456789012",
                    .client = "SSH-2.0-OpenSSH_9.2p1",
                    .target = fmt::format("{}@web{}", i % 3 == 0 ? "root" : "ubuntu", random() % kTargets),
                    .started = time_of(i)};
                if (auto kept = store.session_started(session); !kept) return kept;
                session.finished = time_of(i, kCommandsOfSession);
                session.result = "finished";
                if (auto kept = store.session_finished(session); !kept) return kept;
                for (int c = 0; c < kCommandsOfSession; ++c) {
                    std::string text = kWords[random() % kWords.size()];
                    if (const std::size_t at = text.find("{}"); at != std::string::npos)
                        text.replace(at, 2, std::to_string(random() % 100'000));
                    if (i == sessions / 2 && c == 0) text += " --needle-in-the-haystack";
                    commands.push_back({.session = session.id,
                        .channel = 1,
                        .time = time_of(i, c),
                        .text = std::move(text),
                        .how = model::CommandHow::Typed,
                        .target = session.target});
                }
            }
            return store.record_commands(commands);
        });
        if (!done) stop(done.error());
    }
}

struct Question {
    const char* name;
    ActivityFilter activity;
    bool of_sessions = false;
    SessionFilter sessions = {};
};

std::vector<Question> questions(std::int64_t sessions) {
    const WallTime since = time_of(sessions / 4), until = time_of(sessions / 4 + 288);
    return {{"a common word", {.words = {"systemctl"}}}, {"one command of all", {.words = {"needle-in-the-haystack"}}},
        {"a phrase", {.words = {"rm -rf /tmp/build-7"}}}, {"a common and a rare word", {.words = {"systemctl", "needle"}}},
        {"two letters", {.words = {"ls"}}}, {"two Japanese characters", {.words = {"障害"}}},
        {"nothing has it", {.words = {"no such words"}}},
        {"a user's common word", {.words = {"nginx"}, .user = user_of(77)}},
        {"a user's word long ago", {.words = {"nginx"}, .user = user_of(77), .until = until}},
        {"a common word of one day", {.words = {"git pull"}, .since = since, .until = until}},
        {"a target's commands as root", {.target = "web77", .login = "root"}},
        {"an address since then", {.source = "10.3.77.7", .since = since}}, {"the newest commands", {}},
        {"sessions by a word", {}, true, {.words = {"web1234"}, .most = 100}},
        {"sessions nothing has", {}, true, {.words = {"no such word"}, .most = 100}},
        {"sessions of a user and a day", {}, true, {.user = user_of(77), .since = since, .until = until, .most = 100}}};
}

void ask(store::Store& store, std::int64_t sessions, int runs) {
    std::string out;
    for (const Question& question : questions(sessions)) {
        std::vector<double> took;
        std::size_t hits = 0;
        for (int run = 0; run < runs; ++run) {
            const auto begin = std::chrono::steady_clock::now();
            if (question.of_sessions) {
                const auto found = store.sessions(question.sessions);
                if (!found) stop(found.error());
                hits = found->size();
            } else {
                const auto found = store.search(question.activity);
                if (!found) stop(found.error());
                hits = found->size();
            }
            took.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
        }
        out += fmt::format("{}{{\"name\": \"{}\", \"hits\": {}, \"ms\": [{:.3f}]}}", out.empty() ? "" : ",\n", question.name,
            hits, fmt::join(took, ", "));
    }
    fmt::print("[{}]\n", out);
}

}  // namespace
}  // namespace sekisho

int main(int count, char** words) {
    using namespace sekisho;
    const std::string what = count > 1 ? words[1] : "";
    if ((what != "fill" || count != 4) && (what != "ask" || count != 5)) {
        fmt::print(stderr, "search_bench fill URL SESSIONS | search_bench ask URL SESSIONS RUNS\n");
        return 2;
    }
    auto store = store::open_store(words[2], ".");
    if (!store) stop(store.error());
    if (what == "fill")
        fill(**store, std::atoll(words[3]));
    else
        ask(**store, std::atoll(words[3]), std::atoi(words[4]));
    return 0;
}
