// What comes back from the bucket: one recording's file, and the list of all that are there. Each fetch has a thread and a connection of
// its own, a few at a time, so that it waits for no upload. Owned by gateway/serve; the CLI calls the functions where no gateway runs.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "model/live.h"
#include "shipping/bucket.h"
#include "shipping/object_name.h"

namespace sekisho::shipping {

/// False: nobody wants more.
using TakePiece = std::function<bool(std::string piece)>;

/// The object's key; an Error where there is none, or more than one and no session says which. `session` may be empty.
Result<std::string> find_object(Bucket& bucket, const std::string& audit_key, const std::string& session);
/// All of an object.
Result<void> fetch_object(Bucket& bucket, const std::string& object, const TakePiece& take);
/// A line of JSON for each object below the prefix: "object", "size", and of one that has the name of a recording "audit_key" and
/// "session".
Result<void> fetch_list(Bucket& bucket, const TakePiece& take);

class Fetcher {
public:
    using MakeBucket = std::function<Result<std::unique_ptr<Bucket>>()>;
    static constexpr std::size_t kMost = 4;

    explicit Fetcher(MakeBucket make) : m_make(std::move(make)) {}
    /// Ends what runs.
    ~Fetcher();
    Fetcher(const Fetcher&) = delete;
    Fetcher& operator=(const Fetcher&) = delete;

    /// Any thread; returns at once. Then `sink` gets the file, or with an empty audit key the list.
    Result<void> fetch(const std::string& audit_key, const std::string& session, std::shared_ptr<model::FileSink> sink);

private:
    struct Job {
        std::unique_ptr<Bucket> bucket;
        std::shared_ptr<model::FileSink> sink;
        bool over = false;
        std::thread thread;
    };
    void run(Job& job, const std::string& audit_key, const std::string& session);

    const MakeBucket m_make;
    std::mutex m_mutex;
    std::list<Job> m_jobs;
};

}  // namespace sekisho::shipping
