/** What runs inside a server's container before the server. */
import { ownFolder } from "../ContainerPlan.ts"

/** Where a template's volume is mounted in the containers that copy it. */
export const templateMount = "/berth-template"

/** Exit code of a container whose data was there once and is not any more. */
export const dataGone = 96

/**
 * Arguments: the data folder, the template's data folder (or nothing), the bootstrap words (or nothing), and the
 * server's command, which replaces this shell. The data folder appears under its name only when it is whole, has its
 * own credentials and is on the disk. A folder that this container has served before is never made anew: an empty
 * database in place of a lost one would look like a healthy server.
 */
export const firstStart = `set -eu
data=$1 template=$2 bootstrap=$3
shift 3
trap 'exit 143' INT TERM
revision=$(cat ${ownFolder}/revision)
applied=$(cat ${ownFolder}/applied 2>/dev/null || :)
apply() { [ -z "$bootstrap" ] || /bin/sh -euc "$bootstrap" berth "$1"; }
if [ ! -e "$data" ]; then
  if [ -z "$template" ] || [ -n "$applied" ]; then
    echo "berth: $data is not on its volume any more" >&2
    exit ${dataGone}
  fi
  half=$data.half
  mkdir -p "\${data%/*}"
  rm -rf "$half"
  cp -a --reflink=auto "$template" "$half" 2>/dev/null || { rm -rf "$half"; cp -a "$template" "$half"; }
  apply "$half"
  sync -f "$half" 2>/dev/null || sync
  mv "$half" "$data"
elif [ "$applied" != "$revision" ]; then
  apply "$data"
fi
[ "$applied" = "$revision" ] || printf %s "$revision" > ${ownFolder}/applied
trap - INT TERM
exec "$@"
`
