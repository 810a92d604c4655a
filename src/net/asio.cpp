// Boost.Asio's implementation, compiled once for the whole program.
#include "net/asio.h"

#include <boost/asio/impl/src.hpp>
