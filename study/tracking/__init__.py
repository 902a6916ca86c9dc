"""Services that follow runs besides TensorBoard: MLflow and ClearML, behind one interface.

Neither library is ever loaded by a process that trains: each service has a process of its own, which is told what
happens and can be late, hang or die without anybody waiting for it.
"""
