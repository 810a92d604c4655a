// Order: blocks of the file → packets → a connection's life → the export.
#include "recording/pcapng.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "base/network.h"

namespace sekisho::recording {

namespace {

using base::Address;

constexpr std::size_t kMostSegment = 16 * 1024;
constexpr std::uint16_t kRawIp = 101;  // LINKTYPE_RAW
constexpr std::uint8_t kFin = 1, kSyn = 2, kPush = 8, kAck = 16;
constexpr std::size_t kMostConnections = 65'536;  // whose bytes are counted at once

// --- blocks of the file; little endian, as its byte-order magic says ---

void put16(std::string& out, std::uint32_t value) {
    for (int shift = 0; shift < 16; shift += 8) out += static_cast<char>(value >> shift);
}
void put32(std::string& out, std::uint32_t value) {
    put16(out, value & 0xffff);
    put16(out, value >> 16);
}
void pad(std::string& out) { out.resize((out.size() + 3) / 4 * 4, '\0'); }

void put_option(std::string& out, std::uint16_t code, std::string_view text) {
    constexpr std::size_t kMost = 4096;
    text = text.substr(0, kMost);
    put16(out, code);
    put16(out, static_cast<std::uint32_t>(text.size()));
    out += text;
    pad(out);
}

std::string block(std::uint32_t type, std::string_view body) {
    std::string out;
    const auto length = static_cast<std::uint32_t>(body.size() + 12);
    put32(out, type);
    put32(out, length);
    out += body;
    put32(out, length);
    return out;
}

std::string section_header(const Facts& facts) {
    std::string body;
    put32(body, 0x1a2b3c4d);
    put16(body, 1);
    put16(body, 0);
    put32(body, 0xffffffff);
    put32(body, 0xffffffff);
    put_option(body, 1, fmt::format("Sekisho recording {}", facts.audit_key));
    put_option(body, 4, "Sekisho");
    put32(body, 0);
    return block(0x0a0d0d0a, body);
}

std::string interface_description() {
    std::string body;
    put16(body, kRawIp);
    put16(body, 0);
    put32(body, 0);
    put_option(body, 2, "forwards");
    put32(body, 0);  // times in microseconds, which is what a file says that says nothing
    return block(1, body);
}

std::string packet_block(std::uint64_t time_us, std::string_view packet, const std::string& comment) {
    std::string body;
    put32(body, 0);
    put32(body, static_cast<std::uint32_t>(time_us >> 32));
    put32(body, static_cast<std::uint32_t>(time_us));
    put32(body, static_cast<std::uint32_t>(packet.size()));
    put32(body, static_cast<std::uint32_t>(packet.size()));
    body += packet;
    pad(body);
    if (!comment.empty()) {
        put_option(body, 1, comment);
        put32(body, 0);
    }
    return block(6, body);
}

/// One name for one address.
std::string name_block(const Address& address, const std::string& name) {
    constexpr std::size_t kMostName = 255;
    std::string record(reinterpret_cast<const char*>(address.bytes.data()), address.v6 ? 16 : 4);
    record += name.substr(0, kMostName) + '\0';
    std::string body;
    put16(body, address.v6 ? 2 : 1);
    put16(body, static_cast<std::uint32_t>(record.size()));
    body += record;
    pad(body);
    put32(body, 0);
    return block(4, body);
}

// --- packets; big endian ---

void big16(std::string& out, std::uint32_t value) {
    out += static_cast<char>(value >> 8);
    out += static_cast<char>(value);
}
void big32(std::string& out, std::uint32_t value) {
    big16(out, value >> 16);
    big16(out, value & 0xffff);
}

/// RFC 1071.
std::uint16_t internet_checksum(std::initializer_list<std::string_view> parts) {
    std::uint64_t sum = 0;
    bool high = true;
    for (const std::string_view part : parts) {
        for (const char c : part) {
            const auto byte = static_cast<std::uint64_t>(static_cast<unsigned char>(c));
            sum += high ? byte << 8 : byte;
            high = !high;
        }
    }
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

void set16(std::string& out, std::size_t at, std::uint16_t value) {
    out[at] = static_cast<char>(value >> 8);
    out[at + 1] = static_cast<char>(value);
}

struct Place {
    Address address;
    std::uint16_t port = 0;
    std::uint32_t next = 1;  // the sequence number of what it sends next
    bool ended = false;
};

std::string_view raw(const Address& address) {
    return {reinterpret_cast<const char*>(address.bytes.data()), address.v6 ? std::size_t{16} : std::size_t{4}};
}

/// RFC 9293 §3.1 in RFC 791 or RFC 8200.
std::string packet(const Place& from, const Place& to, std::uint8_t flags, BytesView data) {
    std::string tcp;
    big16(tcp, from.port);
    big16(tcp, to.port);
    big32(tcp, from.next);
    big32(tcp, (flags & kAck) != 0 ? to.next : 0);
    big16(tcp, 5U << 12 | flags);
    big16(tcp, 65535);
    big32(tcp, 0);
    std::string ends(raw(from.address));
    ends += raw(to.address);
    const auto length = static_cast<std::uint32_t>(tcp.size() + data.size());
    std::string pseudo = ends;
    if (from.address.v6) {
        big32(pseudo, length);
        big32(pseudo, 6);
    } else {
        big16(pseudo, 6);
        big16(pseudo, length);
    }
    set16(tcp, 16, internet_checksum({pseudo, tcp, base::text_view(data)}));
    std::string ip;
    if (from.address.v6) {
        big32(ip, 6U << 28);
        big16(ip, length);
        ip += '\6';
        ip += '\x40';
        ip += ends;
    } else {
        big16(ip, 0x4500);
        big16(ip, length + 20);
        big32(ip, 0x4000);  // number 0, not to be cut
        big16(ip, 0x4006);  // 64 hops, TCP
        big16(ip, 0);
        ip += ends;
        set16(ip, 10, internet_checksum({ip}));
    }
    return ip + tcp + std::string(base::text_view(data));
}

// --- names and addresses ---

/// IPv4 as IPv6 where the other end is that: a packet has one kind.
Address mapped(const Address& address) {
    if (address.v6) return address;
    Address out{true, {}};
    out.bytes[10] = out.bytes[11] = 0xff;
    std::copy_n(address.bytes.begin(), 4, out.bytes.begin() + 12);
    return out;
}

class Names {
public:
    /// The address of `name`, or one that nobody has.
    Address address_of(const std::string& name) {
        if (const auto known = Address::parse(name)) return *known;
        const auto [found, fresh] = m_given.try_emplace(name);
        if (fresh) {
            const auto number = static_cast<std::uint32_t>(m_given.size());
            found->second.bytes = {240, static_cast<std::uint8_t>(number >> 16), static_cast<std::uint8_t>(number >> 8),
                static_cast<std::uint8_t>(number)};
        }
        return found->second;
    }

private:
    std::map<std::string, Address> m_given;
};

// --- a connection's life ---

class Capture {
public:
    Capture(Reader& reader, const ExportOptions& options, const Sink& out)
        : m_reader(reader), m_options(options), m_out(out) {}

    Result<void> run() {
        if (!m_out(section_header(m_reader.facts())) || !m_out(interface_description())) return unwritten();
        while (const auto event = m_reader.next()) {
            m_at = event->at;
            take(*event);
            if (!m_written) return unwritten();
        }
        while (!m_connections.empty()) close(m_connections.begin(), "the recording ends here");
        if (!m_written) return unwritten();
        if (m_found == 0) return fail("there are no forwards in this recording", "pcapng has packets of forwards only");
        return {};
    }

private:
    struct Connection {
        Place opener, other;  // who opened the channel, and where it led
        bool client_is_opener = true;
        std::uint64_t left_out = 0;
    };
    using Entry = std::map<std::uint32_t, Connection>::iterator;

    void take(const Event& event) {
        if (event.kind == Event::Kind::ChannelOpened) return open(event);
        const auto found = m_connections.find(event.channel);
        if (found == m_connections.end()) return;
        Connection& one = found->second;
        switch (event.kind) {
            case Event::Kind::Data: return send(one, event.stream == Stream::Input, event.bytes);
            case Event::Kind::Counted:
                pass_over(one, true, event.counts[0]);
                pass_over(one, false, event.counts[1]);
                break;
            case Event::Kind::Eof: return fin(one, event.from_client, {});
            case Event::Kind::ChannelClosed: return close(found, {});
            default: break;
        }
    }

    void open(const Event& event) {
        const bool forward = event.name != "session" && !event.name.starts_with("auth-agent") && event.name != "x11" &&
                             !event.name.starts_with("tun@");
        if (!forward || (m_options.channel && event.channel != *m_options.channel)) return;
        if (m_connections.size() >= kMostConnections) return;
        ++m_found;
        Connection one;
        one.client_is_opener = !event.name.starts_with("forwarded-");
        std::string destination(event.destination);
        destination = destination.substr(0, destination.find(' '));  // "… from PEER", where the gateway listened
        const auto place = base::parse_host_port(destination);
        const std::string client = m_reader.facts().source.empty() ? "client" : m_reader.facts().source;
        one.opener.address = m_names.address_of(one.client_is_opener ? client : "others");
        one.opener.port = static_cast<std::uint16_t>(49152 + event.channel % 16384);
        const std::string host = place ? place->host : destination.empty() ? "destination" : destination;
        one.other.address = m_names.address_of(host);
        one.other.port = place && place->port != 0 ? place->port : 9;
        if (one.opener.address.v6 != one.other.address.v6) {
            one.opener.address = mapped(one.opener.address);
            one.other.address = mapped(one.other.address);
        }
        if (!Address::parse(host)) name(one.other.address, host);
        const std::string comment = fmt::format("channel {}: {} to {}{}{}", event.channel, event.name,
            event.destination.empty() ? "?" : event.destination, event.target.empty() ? "" : " through ", event.target);
        auto& kept = m_connections[event.channel] = one;
        write(kept.opener, kept.other, kSyn, {}, comment);
        ++kept.opener.next;
        write(kept.other, kept.opener, kSyn | kAck, {}, {});
        ++kept.other.next;
        write(kept.opener, kept.other, kAck, {}, {});
    }

    Place& place(Connection& one, bool client) { return client == one.client_is_opener ? one.opener : one.other; }

    void send(Connection& one, bool client, BytesView bytes) {
        Place& from = place(one, client);
        Place& to = place(one, !client);
        while (!bytes.empty() && m_written) {
            const BytesView part = bytes.first(std::min(bytes.size(), kMostSegment));
            write(from, to, kAck | kPush, part, {});
            from.next += static_cast<std::uint32_t>(part.size());
            write(to, from, kAck, {}, {});
            bytes = bytes.subspan(part.size());
        }
    }

    /// As many bytes as were counted and not kept: a gap.
    void pass_over(Connection& one, bool client, std::uint64_t count) {
        Place& from = place(one, client);
        if (!from.ended) from.next += static_cast<std::uint32_t>(count);
        one.left_out += count;
    }

    void fin(Connection& one, bool client, const std::string& comment) {
        Place& from = place(one, client);
        Place& to = place(one, !client);
        if (std::exchange(from.ended, true)) return;
        write(from, to, kFin | kAck, {}, comment);
        ++from.next;
        write(to, from, kAck, {}, {});
    }

    void close(Entry entry, std::string comment) {
        Connection& one = entry->second;
        if (one.left_out > 0) comment = fmt::format("{} bytes of this connection were counted and not kept", one.left_out);
        if (one.opener.ended && one.other.ended && !comment.empty()) write(one.opener, one.other, kAck, {}, comment);
        for (const bool client : {true, false}) fin(one, client, std::exchange(comment, {}));
        m_connections.erase(entry);
    }

    void name(const Address& address, const std::string& text) {
        if (m_named.insert(text).second) m_written = m_written && m_out(name_block(address, text));
    }

    void write(const Place& from, const Place& to, std::uint8_t flags, BytesView data, const std::string& comment) {
        const auto started =
            std::chrono::duration_cast<std::chrono::microseconds>(m_reader.facts().started.time_since_epoch());
        const auto time = static_cast<std::uint64_t>((started + m_at).count());
        m_written = m_written && m_out(packet_block(time, packet(from, to, flags, data), comment));
    }

    Reader& m_reader;
    const ExportOptions& m_options;
    const Sink& m_out;
    bool m_written = true;
    std::size_t m_found = 0;
    std::chrono::microseconds m_at{};
    Names m_names;
    std::set<std::string> m_named;
    std::map<std::uint32_t, Connection> m_connections;  // by channel
};

}  // namespace

Result<void> export_pcapng(Reader& reader, const ExportOptions& options, const Sink& out) {
    return Capture(reader, options, out).run();
}

}  // namespace sekisho::recording
