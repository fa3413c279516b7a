# Takes the symbols out of what was installed and keeps them beside it, where debuggers look: lib/.debug/NAME.debug.
# Runs in the build container, with the installed tree in $DESTDIR.
# A build that installs nothing has no such tree; that is told later.
[ ! -d "$DESTDIR" ] || find "$DESTDIR" -type f ! -path '*/.debug/*' -exec sh -ec '
    for file do
        # ELF for x86-64: code for a GPU keeps its symbols, by which the runtime finds kernels.
        [ "$(od -An -tx1 -N4 "$file" | tr -d " \n")" = 7f454c46 ] || continue
        [ "$(od -An -tx1 -j18 -N2 "$file" | tr -d " \n")" = 3e00 ] || continue
        # A program or library, and not an object of the compiler.
        case "$(od -An -tx1 -j16 -N2 "$file" | tr -d " \n")" in 0200|0300) ;; *) continue ;; esac
        folder="${file%/*}/.debug" name="${file##*/}"
        mkdir -p "$folder"
        objcopy --only-keep-debug "$file" "$folder/$name.debug"
        chmod 644 "$folder/$name.debug"
        objcopy --strip-all --add-gnu-debuglink="$folder/$name.debug" "$file"
    done' sh {} +
