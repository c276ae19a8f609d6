/// Tests the distribution and the image as they are delivered. The tests are tagged `packaged` and
/// run after Maven's phase `package`. Tagged tests of other packages start the distribution that
/// [Distribution] unpacks.
@NullMarked
package dev.millrace.packaging;

import org.jspecify.annotations.NullMarked;
