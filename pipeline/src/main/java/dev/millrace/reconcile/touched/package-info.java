/// Compares the keys that changed since an earlier comparison found their tables equal, instead of
/// all rows. Where they are not known, `pass` compares all rows.
@NullMarked
package dev.millrace.reconcile.touched;

import org.jspecify.annotations.NullMarked;
