/// What users unpack and what containers start, read and run as they are delivered. Its tests carry
/// the tag `packaged` and run behind Maven's phase `package`. Other rooms' tests of that kind start
/// what [Distribution] has unpacked.
@NullMarked
package dev.millrace.packaging;

import org.jspecify.annotations.NullMarked;
