// UsersFrom: keeps the users of `users_from` (a bucket or a folder with a NAME.pub for each) as they are there. One thread of its own:
// list → read what is new → plan (identity/users_plan) → store, in pieces between which sign-ins get their turn → change log →
// the gateway's access, which ends the sessions of those who are gone. What cannot be listed whole changes nothing. Owned by gateway/serve.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "gateway/services.h"
#include "identity/users_source.h"
#include "notify/change_log.h"

namespace sekisho::gateway {

class UsersFrom {
public:
    /// `access_changed` makes the gateway read the store's access again, in the order of the store worker's jobs.
    UsersFrom(Services& services, std::unique_ptr<identity::UsersSource> source, std::function<void()> access_changed);
    /// Ends what runs.
    ~UsersFrom();
    UsersFrom(const UsersFrom&) = delete;
    UsersFrom& operator=(const UsersFrom&) = delete;

    void start();
    /// Any thread: now, and not when the period is over.
    void look();

private:
    void work();
    Duration until_next(bool succeeded);
    Result<void> look_once();
    Result<void> read_new(const identity::Listing& listing);
    Result<void> store(const identity::UsersPlan& plan, const model::Access& access);
    Result<void> store_piece(const std::vector<model::User>& put, const std::vector<identity::UserChange>& remove,
        const model::Access& access, const std::set<std::string>& created);
    void note_outcome(const Result<void>& outcome);
    void note_refused(const identity::UsersPlan& plan);
    void audit(std::string subject, std::string outcome, std::string reason);

    Services& m_services;
    const std::unique_ptr<identity::UsersSource> m_source;
    const std::string m_url;
    const notify::ChangeLog m_log;
    const std::function<void()> m_access_changed;
    identity::Contents m_contents;  // read once for each tag
    std::map<std::string, std::string> m_tags;  // by object
    std::set<identity::RefusedObject> m_refused;  // told already
    bool m_kept_told = false;
    unsigned m_failures = 0;

    std::mutex m_mutex;
    std::condition_variable m_wake;
    bool m_asked = true;
    bool m_stopping = false;
    std::thread m_thread;
};

}  // namespace sekisho::gateway
