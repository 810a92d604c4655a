// What one decide() costs against 10,000 rules and 100,000 users, for sets of rules of every shape that an operator may write, and for
// requests that a rule allows and that none does. Run by bench.py ("policy"), whose figure is the slowest shape's median.
#include <algorithm>
#include <chrono>
#include <random>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "base/time_zone.h"
#include "policy/decide.h"

namespace sekisho {
namespace {

using model::Capability;

constexpr std::size_t kRules = 10'000, kUsers = 100'000, kTargets = 10'000, kGroups = 1'000;

/// The shape of a set: what each of its rules says, where that is not the same for all.
struct Shape {
    const char* name;
    void (*rule)(model::Rule& rule, std::size_t number);
    void (*ask)(policy::Request& request, std::size_t number);
};

std::string target_name(std::size_t number) { return fmt::format("web-{}-{}", number % 50, number % kTargets); }

void session(model::Rule& rule, std::vector<std::string> users, std::vector<std::string> targets) {
    rule.users = std::move(users);
    rule.targets = std::move(targets);
    rule.allow = {Capability::Shell, Capability::Exec, Capability::Sftp};
}

void forward(model::Rule& rule, std::vector<std::string> users, std::string entry) {
    rule.users = std::move(users);
    rule.allow = {Capability::LocalForward};
    rule.forward = {std::move(entry)};
}

void ask_session(policy::Request& request, std::size_t number) {
    request.target = target_name(number);
    request.capability = number % 2 == 0 ? Capability::Exec : Capability::Scp;
}

void ask_forward(policy::Request& request, std::size_t number) {
    request.capability = Capability::LocalForward;
    request.forward_host = number % 2 == 0 ? fmt::format("db{}.internal", number % kRules)
                                           : fmt::format("10.{}.{}.9", number % 250, number % 40);
    request.forward_port = static_cast<std::uint16_t>(number % 3 == 0 ? 5432 : 1 + number % 60000);
}

const Shape kShapes[] = {
    {"everybody_everywhere", [](model::Rule& rule, std::size_t) { session(rule, {"*"}, {"*"}); }, ask_session},
    {"everybody_one_target", [](model::Rule& rule, std::size_t n) { session(rule, {"*"}, {target_name(n)}); }, ask_session},
    {"everybody_patterns",
        [](model::Rule& rule, std::size_t n) {
            session(
                rule, {"*"}, {fmt::format("web-{}-*", n % 50), fmt::format("*-{}", n), fmt::format("db{}*", n), "env=prod"});
        },
        ask_session},
    {"everybody_labels",
        [](model::Rule& rule, std::size_t n) { session(rule, {"*"}, {fmt::format("team=t{}", n % 2000), "env=te*"}); },
        ask_session},
    {"groups",
        [](model::Rule& rule, std::size_t n) {
            session(rule, {fmt::format("@g{}", n % kGroups)}, {fmt::format("web-{}-*", n % 50)});
        },
        ask_session},
    {"one_user_each", [](model::Rule& rule, std::size_t n) { session(rule, {fmt::format("user{}", n * 10)}, {"*"}); },
        ask_session},
    {"forwards_by_name",
        [](model::Rule& rule, std::size_t n) { forward(rule, {"*"}, fmt::format("db{}.internal:5432", n)); }, ask_forward},
    {"forwards_by_port", [](model::Rule& rule, std::size_t n) { forward(rule, {"*"}, fmt::format("10.0.0.0/8:{}", 1 + n)); },
        ask_forward},
    {"forwards_by_network",
        [](model::Rule& rule, std::size_t n) {
            forward(rule, {"*"}, fmt::format("10.{}.{}.0/{}:1-65535", n % 250, n / 250, 24 + n % 2));
        },
        ask_forward},
    {"sources",
        [](model::Rule& rule, std::size_t n) {
            session(rule, {"*"}, {"*"});
            rule.when.from = {fmt::format("203.{}.{}.0/24", n % 250, n / 250)};
        },
        ask_session},
    {"hours",
        [](model::Rule& rule, std::size_t n) {
            session(rule, {"*"}, {"*"});
            constexpr std::array kZones{"Asia/Tokyo", "Europe/Berlin", "America/New_York", "UTC"};
            rule.when.hours = fmt::format("Mon-Fri {:02}:{:02}-{:02}:00 {}", n % 8, n % 60, 9 + n % 3, kZones[n % 4]);
        },
        ask_session},
    {"logins",
        [](model::Rule& rule, std::size_t n) {
            session(rule, {"*"}, {"web*"});
            rule.logins = {fmt::format("svc{}", n), "adm*"};
        },
        ask_session},
};

model::Access access_of(const Shape& shape) {
    model::Access access;
    for (std::size_t i = 0; i < kUsers; ++i) {
        access.users.push_back({.name = fmt::format("user{}", i),
            .groups = {fmt::format("g{}", i % kGroups), fmt::format("g{}", (i * 7 + 1) % kGroups), "staff"}});
    }
    for (std::size_t i = 0; i < kTargets; ++i) {
        access.targets.push_back({.name = target_name(i),
            .logins = {"ubuntu", "root"},
            .labels = {{"env", i % 3 == 0 ? "prod" : "test"}, {"team", fmt::format("t{}", i % 2000)}}});
    }
    for (std::size_t i = 0; i < kRules; ++i) {
        model::Rule rule{.name = fmt::format("rule {}", i)};
        shape.rule(rule, i);
        access.rules.push_back(std::move(rule));
    }
    access.index();
    return access;
}

void decide_one(benchmark::State& state, const Shape& shape) {
    const model::Access access = access_of(shape);
    std::mt19937_64 random(1);
    std::vector<policy::Request> requests;
    for (int i = 0; i < 4096; ++i) {
        const std::size_t number = random() % kRules;
        policy::Request request{.user = fmt::format("user{}", number % 2 == 0 ? random() % kUsers : number * 10)};
        request.source = fmt::format("203.{}.{}.7", random() % 256, random() % 64);
        request.time = base::from_unix_milliseconds(1'795'000'000'000 + static_cast<std::int64_t>(random() % 600'000'000));
        shape.ask(request, number);
        requests.push_back(std::move(request));
    }
    using Clock = std::chrono::steady_clock;
    std::vector<double> microseconds;
    std::size_t at = 0, allowed = 0;
    for (auto _ : state) {
        const auto begin = Clock::now();
        const auto decision = policy::decide(access, requests[at++ % requests.size()]);
        microseconds.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
        allowed += decision.allowed ? 1 : 0;
    }
    std::sort(microseconds.begin(), microseconds.end());
    state.counters["median_us"] = microseconds[microseconds.size() / 2];
    state.counters["p99_us"] = microseconds[microseconds.size() * 99 / 100];
    state.counters["allowed"] = static_cast<double>(allowed) / static_cast<double>(microseconds.size());
}

void build_index(benchmark::State& state) {
    model::Access access = access_of(kShapes[2]);
    for (auto _ : state) access.index();
}

}  // namespace
}  // namespace sekisho

int main(int count, char** arguments) {
    for (const auto& shape : sekisho::kShapes) {
        benchmark::RegisterBenchmark(fmt::format("decide/{}", shape.name).c_str(),
            [&shape](benchmark::State& state) { sekisho::decide_one(state, shape); });
    }
    benchmark::RegisterBenchmark("index", sekisho::build_index)->Unit(benchmark::kMillisecond);
    benchmark::Initialize(&count, arguments);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
