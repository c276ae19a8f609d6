/// Reads until when the certificates are valid on which connections depend. Verifies nothing: the
/// connections themselves do.
@NullMarked
package dev.millrace.certificate;

import org.jspecify.annotations.NullMarked;
