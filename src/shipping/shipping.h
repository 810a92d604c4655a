// Shipping: the thread on which recordings leave for the bucket: a look every few minutes, sooner after a failure and then less and less
// often. The beginning and the end of an outage are one line in the log and one audit record each. Owned by gateway/serve.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "shipping/shipper.h"

namespace sekisho::shipping {

class Shipping {
public:
    using Settings = std::function<ShipSettings()>;

    /// `settings` is asked before each look. `where`: the bucket, for people.
    Shipping(std::string where, std::unique_ptr<Bucket> bucket, Books& books, Settings settings, Shipper::Full full);
    /// Ends what runs; what was under way goes on at the next start.
    ~Shipping();
    Shipping(const Shipping&) = delete;
    Shipping& operator=(const Shipping&) = delete;

    void start();
    /// Any thread: now, and not when the period is over.
    void look();

    /// How long until the next look, in a row of `failures`; up to a tenth less, so that not all gateways come at once.
    static Duration pause(std::chrono::seconds every, unsigned failures);

private:
    void work();
    void note(const Result<bool>& outcome);

    const std::string m_where;
    const std::unique_ptr<Bucket> m_bucket;
    Books& m_books;
    const Settings m_settings;
    Shipper m_shipper;
    unsigned m_failures = 0;  // of the thread

    std::mutex m_mutex;
    std::condition_variable m_wake;
    bool m_asked = true;
    bool m_stopping = false;
    std::thread m_thread;
};

}  // namespace sekisho::shipping
