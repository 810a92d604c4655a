// Shipper: what one look at the folder leads to: recordings that ended are put into the bucket and read back, those that run are put there
// as far as they are, and those that are safe there for long enough are removed here. Folder and bucket are the state; the books only
// spare asking. Time is handed in. Of the shipping thread (shipping/shipping.h), but the constructor.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "shipping/books.h"
#include "shipping/bucket.h"
#include "shipping/large_file.h"
#include "shipping/local_file.h"

namespace sekisho::shipping {

struct ShipSettings {
    std::string folder;
    std::chrono::seconds every{300};
    std::chrono::seconds keep_local{86400};
    std::uint64_t local_limit = 0;  // 0: none
    bool delete_shipped = true;  // early, to stay below the limit
    std::chrono::seconds keep_remote{0};  // 0: for ever
    bool at_once = false;  // somebody asked: also what failed a moment ago
};

class Shipper {
public:
    using Clock = std::function<WallTime()>;
    /// The folder is over its limit and nothing can be done about it, or that is over.
    using Full = std::function<void(bool full)>;

    Shipper(Bucket& bucket, Books& books, Clock clock, Full full)
        : m_bucket(bucket), m_books(books), m_clock(std::move(clock)), m_full(std::move(full)) {}

    /// True: there is more to do at once. An Error is the first of what went wrong, now or before and is not over yet; the rest was done
    /// all the same where it could be.
    Result<bool> pass(const ShipSettings& settings);

    /// Small ones of one go.
    static constexpr std::size_t kMostSmall = 64;
    static constexpr std::uint64_t kMostSmallBytes = 16U << 20;
    /// What a recording that runs may be sent anew each time; longer ones wait longer.
    static constexpr std::uint64_t kMostRunningBytes = 64U << 20;

private:
    /// What is known of a file.
    struct Known {
        LocalFile file;
        std::string object;
        std::optional<model::Shipment> shipment;
        bool seen = false;  // in this look
        bool fresh = false;  // what is in the bucket differs
        std::uint64_t sent = 0;  // bytes, of one that runs
        WallTime next{};  // not before
        unsigned failures = 0;
        Error error;  // of the last one
    };
    using Keys = std::vector<std::string>;  // audit keys

    Result<void> begin();
    Result<void> find_what_is_there_only();
    void survey();
    void look_at(const std::string& path, Known& known);
    bool wants(const Known& known, bool large) const;
    Keys wanted(bool large);
    void ship_small();
    void send_small(const Keys& keys, std::vector<std::string>& bodies);
    void read_back(const Keys& keys, const std::vector<std::string>& bodies);
    bool ship_large();
    void stored(Known& known, const std::string& sha256);
    void differs(Known& known);
    void trouble(Known& known, const Error& error);
    void note(const Error& error);
    void keep(std::vector<model::Shipment> shipments, const std::vector<model::AuditRecord>& records, std::vector<Known*> whose);

    std::uint64_t local_bytes() const;
    void remove_old();
    void stay_below_limit();
    /// How many bytes are gone now.
    std::uint64_t remove(const Keys& keys, const char* why);
    bool still_the_same(Known& known);
    void expire();

    Bucket& m_bucket;
    Books& m_books;
    const Clock m_clock;
    const Full m_full;
    ShipSettings m_settings;
    bool m_begun = false;
    std::map<std::string, model::Shipment> m_books_said;  // by object, of files not yet looked at
    std::map<std::string, Known> m_known;  // by audit key
    std::unique_ptr<LargeFile> m_large;
    std::optional<Error> m_error;
    bool m_down = false;  // the bucket: nothing more of it in this look
    bool m_was_full = false;
};

}  // namespace sekisho::shipping
