/// What is wrong with the certificate of a server.
@NullMarked
package dev.millrace.tls;

import org.jspecify.annotations.NullMarked;
