/// The source position: what it contains, and its bytes in Kafka. Reads and writes nothing itself.
@NullMarked
package dev.millrace.capture.position;

import org.jspecify.annotations.NullMarked;
