/// The source position and its encoding in Kafka. Performs no I/O.
@NullMarked
package dev.millrace.capture.position;

import org.jspecify.annotations.NullMarked;
