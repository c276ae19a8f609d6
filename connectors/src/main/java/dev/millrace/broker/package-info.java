/// Topics, admin and the embedded broker. Knows Kafka and nothing of what the records mean.
@NullMarked
package dev.millrace.broker;

import org.jspecify.annotations.NullMarked;
