// What the recording tests share: a folder of their own, a stand-in for a loop, and recordings made of given events.
// Executor functions run on the test's thread when it calls Loop::run_until.
#pragma once

#include <sys/resource.h>
#include <unistd.h>

#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>

#include <gtest/gtest.h>

#include "recording/reader.h"
#include "recording/recorder.h"

namespace sekisho::recording::testing {

class TemporaryFolder {
public:
    TemporaryFolder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "sekisho-test-XXXXXX").string();
        m_path = ::mkdtemp(pattern.data());
    }
    ~TemporaryFolder() { std::filesystem::remove_all(m_path); }
    const std::string& path() const { return m_path; }

private:
    std::string m_path;
};

class FileSizeLimit {  // a disk that really refuses
public:
    explicit FileSizeLimit(rlim_t bytes) {
        std::signal(SIGXFSZ, SIG_IGN);
        ::getrlimit(RLIMIT_FSIZE, &m_before);
        const struct rlimit limit { bytes, m_before.rlim_max };
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &m_before); }

private:
    struct rlimit m_before {};
};

class Loop {
public:
    Executor executor() {
        return [state = m_state](std::function<void()> function) {
            const std::lock_guard lock(state->mutex);
            state->functions.push_back(std::move(function));
            state->changed.notify_one();
        };
    }
    /// Runs posted functions until `condition` holds. False after a minute.
    bool run_until(const std::function<bool()>& condition) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
        std::unique_lock lock(m_state->mutex);
        while (!condition()) {
            if (!m_state->changed.wait_until(lock, deadline, [&] { return !m_state->functions.empty(); })) return false;
            auto functions = std::exchange(m_state->functions, {});
            lock.unlock();
            for (auto& function : functions) function();
            functions.clear();
            lock.lock();
        }
        return true;
    }

private:
    struct State {
        std::mutex mutex;
        std::condition_variable changed;
        std::deque<std::function<void()>> functions;
    };
    std::shared_ptr<State> m_state = std::make_shared<State>();  // a late post finds it, as a real loop would be found
};

inline SessionFacts facts_of(std::string user, model::RecordLevel level = model::RecordLevel::Full) {
    return {.session = "0123456789abcdef",
            .audit_key = {},
            .user = std::move(user),
            .source = "192.0.2.7",
            .client = "SSH-2.0-OpenSSH_9.2p1",
            .level = level,
            .started = std::chrono::system_clock::now()};
}

inline std::string path_in(const std::string& folder, const std::string& key) {
    return folder + "/" + key.substr(0, 4) + "/" + key.substr(5, 2) + "/" + key + ".skr";
}

/// One recording that is open, on a loop of its own.
struct Session {
    Session(Recordings& recordings, const SessionFacts& facts, bool reserve = true) {
        bool answered = false;
        RecorderCallbacks callbacks{[this] { ++drained; }, [this](const Error& error) { failures.push_back(error); }};
        recordings.open(facts, reserve, loop.executor(), std::move(callbacks), [&](Result<Recordings::Opened> result) {
            loop.executor()([&, held = std::make_shared<Result<Recordings::Opened>>(std::move(result))] {
                answered = true;
                if (!*held) {
                    open_error = held->error();
                    return;
                }
                key = (*held)->audit_key;
                recorder = std::move((*held)->recorder);
            });
        });
        EXPECT_TRUE(loop.run_until([&] { return answered; }));
    }
    Result<void> finish(std::string_view reason = "finished") {
        std::optional<Result<void>> outcome;
        recorder->finish(reason, std::chrono::steady_clock::now(),
            [&](Result<void> result, const std::optional<evidence::Written>& what) {
                loop.executor()([&, result = std::move(result), what] {
                    outcome = result;
                    written = what;
                });
            });
        EXPECT_TRUE(loop.run_until([&] { return outcome.has_value(); }));
        return outcome.value_or(Result<void>{});
    }
    Recorder* operator->() { return recorder.get(); }

    Loop loop;
    std::unique_ptr<Recorder> recorder;
    std::string key;
    std::optional<Error> open_error;
    std::vector<Error> failures;
    std::optional<evidence::Written> written;
    int drained = 0;
};

inline Bytes file_bytes(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    return base::to_bytes(text);
}

inline void write_file(const std::string& path, BytesView bytes) {
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

/// An event as text, so that sequences compare and print; `with_time` adds microseconds.
inline std::string to_line(const Event& event) {
    std::string line = std::to_string(static_cast<int>(event.kind)) + " " + std::to_string(event.channel) + " ";
    switch (event.kind) {
        case Event::Kind::ChannelOpened:
            line.append(event.name).append("|").append(event.target).append("|").append(event.destination);
            break;
        case Event::Kind::Request:
            line.append(event.from_client ? "c " : "t ").append(event.name).append(" ").append(base::text_view(event.bytes));
            break;
        case Event::Kind::Data:
            line.append(std::to_string(static_cast<int>(event.stream))).append(" ").append(base::text_view(event.bytes));
            break;
        case Event::Kind::FileOperation:
        case Event::Kind::ContentDigest: line.append(base::text_view(event.bytes)); break;
        case Event::Kind::InputHidden: line.append("hidden ").append(std::to_string(event.counts[0])); break;
        case Event::Kind::Command: line.append(base::text_view(event.bytes)); break;
        case Event::Kind::Eof: line.append(event.from_client ? "c" : "t"); break;
        case Event::Kind::Counted:
        case Event::Kind::ChannelClosed:
            for (const std::uint64_t count : event.counts) line.append(std::to_string(count)).append(",");
            break;
    }
    return line;
}

inline std::vector<std::string> lines_of(Reader& reader) {
    std::vector<std::string> lines;
    while (const auto event = reader.next()) lines.push_back(to_line(*event));
    return lines;
}

inline Result<Reader> reader_of(Bytes bytes) {
    return Reader::open(open_memory(std::move(bytes)));
}

}  // namespace sekisho::recording::testing
