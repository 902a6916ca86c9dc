#!/bin/sh
# sbatch --array=0-N%8 train/slurm_array.sh LIST: task i runs line i of LIST, which run_study.py CONFIG --list printed.
# Options of sbatch, such as --gres=gpu:1 and --time, go before the script; docs/cluster.md has all the steps.
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=B:TERM@60
: "${SLURM_ARRAY_TASK_ID:?is not set; submit with sbatch --array=0-N}" "${1:?give the list that run_study.py --list printed}"
command=$(sed -n "$((SLURM_ARRAY_TASK_ID + 1))p" "$1") || exit 2
[ -n "$command" ] || { echo "error: $1 has no line for task $SLURM_ARRAY_TASK_ID; lower the end of --array" >&2; exit 2; }
eval "exec $command"
