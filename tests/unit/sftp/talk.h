// A client and a server without a network, with a Watch between them: packets made and read here without src/sftp's own writer, a server
// that knows some files and links and answers REALPATH, and everything handed to the watch in pieces of a size that the test chooses.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "sftp/watch.h"

namespace sekisho::sftp::test {

inline std::string u32(std::uint32_t number) {
    std::string out;
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(number >> shift);
    return out;
}
inline std::string s(std::string_view text) { return u32(static_cast<std::uint32_t>(text.size())) + std::string(text); }
inline std::uint32_t number(std::string_view text, std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(text.at(at + i));
    return value;
}
/// A packet: its length, its type, and what follows.
inline std::string packet(int type, std::string_view content) {
    return u32(static_cast<std::uint32_t>(content.size() + 1)) + static_cast<char>(type) + std::string(content);
}
inline std::string extended(std::uint32_t id, std::string_view name, std::string_view content) {
    return packet(200, u32(id) + s(name) + std::string(content));
}
inline const std::string kInit = packet(1, u32(3));
inline const std::string kVersionAnswer = packet(2, u32(3));
inline const std::string kNoAttributes = u32(0);

struct Seen {
    int type = 0;
    std::uint32_t id = 0;
    std::string rest;
    friend bool operator==(const Seen&, const Seen&) = default;
    std::uint32_t status() const { return type == 101 ? number(rest, 0) : 999; }
    std::string text() const { return rest.substr(8, number(rest, 4)); }
    std::string path(std::size_t at = 0) const { return rest.substr(at + 4, number(rest, at)); }
};

/// Takes whole packets out of `stream`.
inline std::vector<Seen> packets(std::string& stream) {
    std::vector<Seen> out;
    while (stream.size() >= 4 && stream.size() >= 4 + number(stream, 0)) {
        const std::string content = stream.substr(4, number(stream, 0));
        stream.erase(0, 4 + content.size());
        out.push_back({static_cast<unsigned char>(content.at(0)), number(content, 1), content.substr(5)});
    }
    return out;
}

class Talk {
public:
    explicit Talk(Limits limits, std::string_view server = "SSH-2.0-OpenSSH_9.2p1", std::size_t piece = 1 << 20)
        : watch(std::move(limits)), m_piece(piece) {
        watch.server_is(server);
    }

    Result<void> client(std::string_view bytes) {
        return feed(bytes, [&](BytesView part, Output& out) { return watch.from_client(part, backlog, out); });
    }
    Result<void> server(std::string_view bytes) {
        return feed(bytes, [&](BytesView part, Output& out) { return watch.from_server(part, backlog, out); });
    }
    void reads(std::size_t left) {
        backlog = left;
        Output out;
        ASSERT_TRUE(watch.client_reads(left, out));
        took(out);
    }

    /// INIT and VERSION, which are then forgotten; and the question where paths begin.
    void greet(std::string_view home = {}) {
        ASSERT_TRUE(client(kInit));
        ASSERT_TRUE(server(kVersionAnswer));
        EXPECT_EQ(to_server.substr(0, kInit.size()), kInit);
        EXPECT_EQ(to_client, kVersionAnswer);
        to_server.erase(0, kInit.size());
        to_client.clear();
        m_home = home;
        serve();
    }

    /// Answers what the watch asked; what else reached the server since is returned.
    std::vector<Seen> serve() {
        std::vector<Seen> others;
        while (!to_server.empty()) {
            const auto seen = packets(to_server);
            if (seen.empty()) break;
            for (const Seen& one : seen) {
                if (one.type != 16 || is_clients(one.id)) {
                    others.push_back(one);
                    continue;
                }
                const std::string real = real_path(one.path());
                EXPECT_TRUE(server(real.empty() ? packet(101, u32(one.id) + u32(2) + s("No such file") + s(""))
                                                : packet(104, u32(one.id) + u32(1) + s(real) + s(real) + u32(0))));
            }
        }
        return others;
    }

    /// What the client is told since the last time.
    std::vector<Seen> told() { return packets(to_client); }

    /// As OpenSSH's server does it: the last name need not be there, links are followed.
    std::string real_path(const std::string& asked) const {
        std::string path = normal(m_home, asked);
        for (int depth = 0; depth < 10; ++depth) {
            bool again = false;
            for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
                const std::string part = path.substr(0, end);
                if (const auto link = links.find(part); link != links.end()) {
                    const std::string folder = part.substr(0, part.rfind('/'));
                    path = normal(folder.empty() ? "/" : folder, link->second) +
                           (end == std::string::npos ? "" : path.substr(end));
                    path = normal("/", path);
                    again = true;
                    break;
                }
                if (end == std::string::npos) break;
                if (missing.contains(part)) return {};
            }
            if (!again) return path;
        }
        return {};
    }

    Watch watch;
    std::string to_client, to_server;
    std::vector<Refused> refused;
    std::size_t backlog = 0;
    std::map<std::string, std::string> links;  // of the server
    std::map<std::string, bool> missing;  // folders that are not there

private:
    static std::string normal(const std::string& base, const std::string& path) {
        std::vector<std::string> names;
        const std::string all = path.starts_with('/') ? path : base + "/" + path;
        std::string name;
        for (const char c : all + "/") {
            if (c != '/') {
                name += c;
                continue;
            }
            if (name == ".." && !names.empty()) names.pop_back();
            if (!name.empty() && name != "." && name != "..") names.push_back(name);
            name.clear();
        }
        std::string out;
        for (const auto& one : names) out += "/" + one;
        return out.empty() ? "/" : out;
    }
    /// The tests' own requests have small numbers.
    static bool is_clients(std::uint32_t id) { return id < 1000; }

    Result<void> feed(std::string_view bytes, const std::function<Result<void>(BytesView, Output&)>& give) {
        while (!bytes.empty()) {
            const std::string_view part = bytes.substr(0, m_piece);
            bytes.remove_prefix(part.size());
            const std::vector<std::byte> own(
                base::view(part).begin(), base::view(part).end());  // so that a read beyond it is seen
            Output out;
            auto done = give(own, out);
            took(out);
            if (!done) return done;
        }
        return {};
    }
    void took(const Output& out) {
        to_client += base::text_view(out.to_client);
        to_server += base::text_view(out.to_server);
        refused.insert(refused.end(), out.refused.begin(), out.refused.end());
    }

    std::size_t m_piece;
    std::string m_home;
};

}  // namespace sekisho::sftp::test
