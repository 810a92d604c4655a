// NetworkMap: values by network. An address finds all networks that contain it with one look-up for each length of prefix that there is.
// Part of RuleIndex. Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/network.h"

namespace sekisho::model {

template <class Value>
class NetworkMap {
public:
    Value& operator[](const base::Network& network) {
        const std::pair<bool, unsigned> length(network.address.v6, network.prefix);
        if (std::find(m_lengths.begin(), m_lengths.end(), length) == m_lengths.end()) m_lengths.push_back(length);
        return m_values[network];
    }

    /// Calls `take(value)` for each network that contains `address`.
    template <class Take>
    void each(const base::Address& address, Take take) const {
        for (const auto& [v6, prefix] : m_lengths) {
            if (v6 != address.v6) continue;
            const auto found = m_values.find(network_of(address, prefix));
            if (found != m_values.end()) take(found->second);
        }
    }

private:
    static base::Network network_of(base::Address address, unsigned prefix) {
        for (unsigned byte = 0; byte < address.bytes.size(); ++byte) {
            const unsigned kept = std::min(8U, prefix - std::min(prefix, byte * 8));
            address.bytes[byte] = static_cast<std::uint8_t>(address.bytes[byte] & (0xff00U >> kept));
        }
        return {address, prefix};
    }

    struct Hash {
        std::size_t operator()(const base::Network& network) const noexcept {
            const auto& bytes = network.address.bytes;
            return std::hash<std::string_view>{}({reinterpret_cast<const char*>(bytes.data()), bytes.size()}) +
                   network.prefix;
        }
    };
    struct Equal {
        bool operator()(const base::Network& one, const base::Network& other) const noexcept {
            return one.prefix == other.prefix && one.address == other.address;
        }
    };

    std::unordered_map<base::Network, Value, Hash, Equal> m_values;
    std::vector<std::pair<bool, unsigned>> m_lengths;
};

}  // namespace sekisho::model
