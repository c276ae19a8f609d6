/// What servers on this machine share: a folder that one process holds at a time, a port on the
/// loopback, the fault that tells a user why a server did not start. A folder is never opened by
/// two processes. Knows neither PostgreSQL nor Kafka.
@NullMarked
package dev.millrace.local;

import org.jspecify.annotations.NullMarked;
